import type { Certificate } from './certificate.ts';
import { sameBytes } from './der.ts';
import { type AnchorIndex, nameKey } from './path-anchor.ts';
import type { PathCache } from './path-cache.ts';
import { candidatesFor, type PathGraph, pathGraph } from './path-graph.ts';
import { type Budget, spend } from './path-limits.ts';
import type { ChainedPath } from './path-validation.ts';
import type { PublicKeyInfo } from './public-key.ts';
import { inheritsParameters } from './inherited-parameters.ts';
import { hasImportedKey, importCost, type SignatureVerdict, verificationCost, verifySignature } from './signature.ts';

export interface Search {
  readonly leaf: Certificate;
  /** Everything else that may stand in a path, in the order given. */
  readonly pool: readonly Certificate[];
  readonly anchors: AnchorIndex;
  readonly at: Date;
  readonly pathCertificates: number;
  readonly cache: PathCache | undefined;
  readonly budget: Budget;
}

/** What the search meets: a path to an anchor, or a place where it cannot go on. */
export type Step =
  | { readonly kind: 'path'; readonly path: ChainedPath }
  | { readonly kind: 'dead-end'; readonly cause: DeadEnd; readonly certificates: readonly Certificate[] };

export type DeadEnd =
  /** Nobody here has the name of the issuer. */
  | { readonly kind: 'no-issuer' }
  /** Issuers of that name are here, and none of them signed it. */
  | { readonly kind: 'not-signed'; readonly verdict: Exclude<SignatureVerdict, 'good'>; readonly anchor?: string }
  /** Its issuer is on the path already: a circle, or a root that is no anchor. */
  | { readonly kind: 'circle' }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'exhausted' };

interface Walk extends Search {
  readonly graph: PathGraph;
  /** Verdicts by subject and key of the issuer. */
  readonly verdicts: Map<Certificate, Map<PublicKeyInfo, SignatureVerdict>>;
  /** The first of the keys with the same octets: a crowd that shares one is read, and verified with, once. */
  readonly keys: Map<string, PublicKeyInfo>;
  readonly sameKeys: Map<PublicKeyInfo, PublicKeyInfo>;
}

/**
 * Every way from the leaf to an anchor, best candidates first: depth first, anchors before intermediates, each
 * signature verified once. Key identifiers, validity and order are hints only (RFC 5280 4.2.1.1): they choose what is
 * tried first, never what is true. Ends when the budget does.
 */
export function* searchPaths(search: Search): Generator<Step> {
  const walk: Walk = {
    ...search,
    graph: pathGraph(search),
    verdicts: new Map(),
    keys: new Map(),
    sameKeys: new Map(),
  };
  yield* extend(walk, [search.leaf]);
}

/** Returns false once the budget is spent. */
function* extend(walk: Walk, path: readonly Certificate[]): Generator<Step, boolean> {
  const top = path.at(-1) as Certificate;
  const toAnchors = yield* extendToAnchors(walk, path, top);
  if (toAnchors === 'exhausted') return false;
  let { cause, led } = toAnchors;
  for (const candidate of candidatesFor(walk.graph, top)) {
    if (isOn(path, candidate)) {
      if (cause.kind === 'no-issuer') cause = { kind: 'circle' };
      continue;
    }
    const verdict = verdictOn(walk, top, candidate);
    if (verdict === 'exhausted') return yield* exhausted(path);
    if (verdict !== 'good') {
      if (cause.kind !== 'not-signed') cause = { kind: 'not-signed', verdict };
      continue;
    }
    led = true;
    if (path.length >= walk.pathCertificates)
      yield { kind: 'dead-end', cause: { kind: 'too-long' }, certificates: path };
    else if (!(yield* extend(walk, [...path, candidate]))) return false;
    // Where no name leads to an anchor one way is enough to say so.
    if (!walk.graph.leadsToAnchor(top)) break;
  }
  if (!led) yield { kind: 'dead-end', cause, certificates: path };
  return true;
}

function* extendToAnchors(
  walk: Walk,
  path: readonly Certificate[],
  top: Certificate,
): Generator<Step, 'exhausted' | { cause: DeadEnd; led: boolean }> {
  let cause: DeadEnd = { kind: 'no-issuer' };
  let led = false;
  for (const anchor of walk.anchors.bySubject.get(nameKey(top.issuer)) ?? []) {
    if (anchor.certificate.fingerprint === walk.leaf.fingerprint) continue;
    const verdict = verdictOn(walk, top, anchor.certificate);
    if (verdict === 'exhausted' || (verdict === 'good' && !spend(walk.budget, 'paths', 1))) {
      yield* exhausted(path);
      return 'exhausted';
    }
    if (verdict === 'good') {
      led = true;
      yield { kind: 'path', path: { certificates: path, anchor } };
    } else cause = { kind: 'not-signed', verdict, anchor: anchor.anchor.name };
  }
  return { cause, led };
}

function* exhausted(certificates: readonly Certificate[]): Generator<Step, false> {
  yield { kind: 'dead-end', cause: { kind: 'exhausted' }, certificates };
  return false;
}

/** No certificate twice, and no name with the same key twice: going round adds nothing (RFC 5280 6.1). */
function isOn(path: readonly Certificate[], candidate: Certificate): boolean {
  return path.some(
    (certificate) =>
      certificate === candidate ||
      (sameBytes(certificate.publicKey.spki, candidate.publicKey.spki) &&
        nameKey(certificate.subject) === nameKey(candidate.subject)),
  );
}

function verdictOn(walk: Walk, subject: Certificate, issuer: Certificate): SignatureVerdict | 'exhausted' {
  if (!spend(walk.budget, 'candidates', 1)) return 'exhausted';
  if (walk.cache?.isSignedBy(subject, issuer)) return 'good';
  // What it signed can be verified only when the whole path is known: `validatePath` does, before anything else.
  if (inheritsParameters(issuer.publicKey)) return 'good';
  const key = oneOfEach(walk, issuer.publicKey);
  const verdicts = walk.verdicts.get(subject) ?? new Map<PublicKeyInfo, SignatureVerdict>();
  walk.verdicts.set(subject, verdicts);
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const cost = verificationCost(key);
  const usable = Number.isFinite(cost);
  if (usable && !spend(walk.budget, 'signatures', cost + (hasImportedKey(key) ? 0 : importCost))) return 'exhausted';
  const verdict = verifySignature(subject.signature, key);
  verdicts.set(key, verdict);
  return verdict;
}

function oneOfEach(walk: Walk, key: PublicKeyInfo): PublicKeyInfo {
  let one = walk.sameKeys.get(key);
  if (one === undefined) {
    const octets = Buffer.from(key.spki.buffer, key.spki.byteOffset, key.spki.length).toString('latin1');
    one = walk.keys.get(octets) ?? key;
    walk.keys.set(octets, one);
    walk.sameKeys.set(key, one);
  }
  return one;
}
