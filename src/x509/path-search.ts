import type { Certificate } from './certificate.ts';
import { sameBytes } from './der.ts';
import { type AnchorIndex, nameKey } from './path-anchor.ts';
import type { PathCache } from './path-cache.ts';
import { type Budget, spend } from './path-limits.ts';
import { type ChainedPath, isSelfIssued } from './path-validation.ts';
import { hasImportedKey, type SignatureVerdict, verificationCost, verifySignature } from './signature.ts';
import { outsideValidity } from './validity.ts';

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
  readonly bySubject: ReadonlyMap<string, readonly Certificate[]>;
  readonly order: ReadonlyMap<Certificate, number>;
  readonly verdicts: Map<string, SignatureVerdict>;
}

/**
 * Every way from the leaf to an anchor, best candidates first: depth first, anchors before intermediates, each
 * signature verified once. Key identifiers, validity and order are hints only (RFC 5280 4.2.1.1): they choose what is
 * tried first, never what is true. Ends when the budget does.
 */
export function* searchPaths(search: Search): Generator<Step> {
  const walk: Walk = {
    ...search,
    bySubject: Map.groupBy(search.pool, ({ subject }) => nameKey(subject)),
    order: new Map(search.pool.map((certificate, i) => [certificate, i])),
    verdicts: new Map(),
  };
  yield* extend(walk, [search.leaf]);
}

/** Returns false once the budget is spent. */
function* extend(walk: Walk, path: readonly Certificate[]): Generator<Step, boolean> {
  const top = path.at(-1) as Certificate;
  const key = nameKey(top.issuer);
  let cause: DeadEnd = { kind: 'no-issuer' };
  let led = false;
  for (const anchor of walk.anchors.bySubject.get(key) ?? []) {
    if (anchor.certificate.fingerprint === walk.leaf.fingerprint) continue;
    const verdict = verdictOn(walk, top, anchor.certificate);
    if (verdict === 'exhausted') return yield* exhausted(path);
    if (verdict === 'good') {
      led = true;
      if (!spend(walk.budget, 'paths', 1)) return yield* exhausted(path);
      yield { kind: 'path', path: { certificates: path, anchor } };
    } else cause = { kind: 'not-signed', verdict, anchor: anchor.anchor.name };
  }
  for (const candidate of candidatesFor(walk, top, key)) {
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
  }
  if (!led) yield { kind: 'dead-end', cause, certificates: path };
  return true;
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
  const pair = subject.fingerprint + issuer.fingerprint;
  const known = walk.verdicts.get(pair);
  if (known !== undefined) return known;
  const cost = verificationCost(issuer.publicKey);
  // Reading a key costs about half as much as using it.
  const whole = Number.isFinite(cost) ? cost + (hasImportedKey(issuer.publicKey) ? 0 : cost / 2) : 0;
  if (!spend(walk.budget, 'signatures', whole)) return 'exhausted';
  const verdict = verifySignature(subject.signature, issuer.publicKey);
  walk.verdicts.set(pair, verdict);
  return verdict;
}

/** Best first. */
function candidatesFor(walk: Walk, child: Certificate, key: string): readonly Certificate[] {
  const found = walk.bySubject.get(key) ?? [];
  if (found.length < 2) return found;
  const scored = found.map((certificate) => ({ certificate, score: scoreOf(walk, child, certificate) }));
  return scored.sort((a, b) => b.score - a.score).map(({ certificate }) => certificate);
}

function scoreOf(walk: Walk, child: Certificate, candidate: Certificate): number {
  const { extensions } = candidate;
  let score = 0;
  if (walk.cache?.isSignedBy(child, candidate)) score += 100;
  const wanted = child.extensions.authorityKeyIdentifier?.keyIdentifier;
  const has = extensions.subjectKeyIdentifier;
  if (wanted !== undefined && has !== undefined) score += sameBytes(wanted, has) ? 20 : -20;
  if (outsideValidity(candidate, walk.at) === undefined) score += 8;
  if (extensions.basicConstraints?.ca === true) score += 4;
  if (extensions.keyUsage?.includes('keyCertSign') !== false) score += 4;
  if (!isSelfIssued(candidate)) score += 2;
  // Peers send the issuer right after what it issued.
  const distance = (walk.order.get(candidate) ?? 0) - (walk.order.get(child) ?? -1);
  return score + (distance > 0 ? 1 / distance : 0);
}
