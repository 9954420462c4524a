import { hash } from 'node:crypto';
import { type Certificate, parseCertificate } from './certificate.ts';
import { DerError, sameBytes } from './der.ts';
import { purposes } from './oids.ts';
import { type AnchorIndex, indexAnchors, type PathAnchor } from './path-anchor.ts';
import type { PathCache } from './path-cache.ts';
import { deadEndFailure } from './path-dead-end.ts';
import type { PathFailure, PathWarning } from './path-failure.ts';
import { type Budget, defaultPathLimits, newBudget, type PathLimits } from './path-limits.ts';
import { searchPaths } from './path-search.ts';
import { type ChainedPath, failureOf, isSelfIssued, type PathRules, validatePath } from './path-validation.ts';
import type { PolicyInputs } from './policy-graph.ts';

declare const judged: unique symbol;

/** A path that `judgePath` found good at one time; only it makes one. */
export interface CertificatePath {
  readonly [judged]: true;
  readonly leaf: Certificate;
  /** From the issuer of the leaf upwards, without the anchor. */
  readonly intermediates: readonly Certificate[];
  readonly anchor: Certificate;
  readonly anchorName: string;
}

export interface PathInput {
  /** DER, the leaf first, then anything in any order: intermediates, repeated, unrelated, the root itself. */
  readonly chain: readonly Uint8Array[];
  /** Must not change once given: what is found by name is looked up in an index made of it. */
  readonly anchors: readonly PathAnchor[];
  readonly at: Date;
  /** Dotted decimal; clientAuth when absent, `any` for none in particular. */
  readonly purpose?: string;
  readonly policy?: PolicyInputs;
  /** Most intermediates, self-issued ones not counted. */
  readonly maxDepth?: number;
  readonly limits?: Partial<PathLimits>;
  readonly cache?: PathCache;
  /** A resumed TLS session shows the leaf alone: its intermediates may come from the cache. */
  readonly resumed?: boolean;
}

export type PathResult =
  | { readonly ok: true; readonly path: CertificatePath; readonly warnings: readonly PathWarning[] }
  | { readonly ok: false; readonly failures: readonly [PathFailure, ...PathFailure[]] };

interface Judgement {
  readonly input: PathInput;
  readonly limits: PathLimits;
  readonly rules: PathRules;
  readonly anchors: AnchorIndex;
  readonly budget: Budget;
}

/** A failure with how far it came; the farthest is reported first. */
interface Ranked {
  readonly failure: PathFailure;
  readonly progress: number;
}

/**
 * Judges the chain that a peer sent: the first path to an anchor that RFC 5280 6.1 and the profile of that anchor
 * accept, or why there is none, one failure for each path tried, the most telling first. Never throws on what a peer
 * sent; the work is bounded by the limits.
 */
export function judgePath(input: PathInput): PathResult {
  const judgement = judgementOf(input);
  const [leafDer] = input.chain;
  if (leafDer === undefined) return refused([{ failure: noCertificate, progress: 0 }]);
  if (input.chain.length > judgement.limits.certificates)
    return refused([{ failure: tooMany(judgement.limits.certificates), progress: 0 }]);
  const known = input.cache && judgeKnownLeaf(judgement, input.cache, leafDer);
  if (known !== undefined) return known;
  const ranked: Ranked[] = [];
  const leaf = readCertificate(judgement, leafDer, ranked, 3000);
  return leaf === undefined ? refused(ranked) : judgeSearch(judgement, leaf, ranked);
}

function judgementOf(input: PathInput): Judgement {
  const limits = { ...defaultPathLimits, ...input.limits };
  const purpose = input.purpose ?? purposes.clientAuth;
  const rules: PathRules = {
    at: input.at,
    purpose: purpose === 'any' ? undefined : purpose,
    policy: input.policy ?? {},
    maxDepth: input.maxDepth ?? Number.POSITIVE_INFINITY,
  };
  return { input, limits, rules, anchors: indexAnchors(input.anchors), budget: newBudget(limits) };
}

const noCertificate = failureOf({ detail: 'empty_chain', clause: 'RFC 5280 6.1', message: 'no certificate was given' });

function tooMany(most: number): PathFailure {
  const message = `more than ${most} certificates`;
  return failureOf({ detail: 'too_many_certificates', clause: 'RFC 5280 6.1', message });
}

function refused(ranked: readonly Ranked[]): PathResult {
  const failures = ranked.toSorted((a, b) => b.progress - a.progress).map(({ failure }) => failure);
  const [first = noCertificate, ...rest] = failures;
  return { ok: false, failures: [first, ...rest] };
}

/** The way that this very leaf went before, when it is still there to be gone: only its signatures are believed. */
function judgeKnownLeaf(judgement: Judgement, cache: PathCache, leafDer: Uint8Array): PathResult | undefined {
  const { input, anchors, rules, budget } = judgement;
  const known = cache.leafPath(hash('sha256', leafDer, 'hex'));
  if (known === undefined) return undefined;
  const sent = known.intermediates.every(
    ({ der }) =>
      input.resumed === true || input.chain.some((other) => sameBytes(other, der)) || isConfigured(anchors, der),
  );
  if (!sent) return undefined;
  const leaf = parseCertificate(leafDer);
  const certificates = [leaf, ...known.intermediates];
  for (const anchor of anchors.fingerprints.get(known.anchor.fingerprint) ?? []) {
    const path: ChainedPath = { certificates, anchor };
    const { failure, warnings } = validatePath(path, rules, budget);
    if (failure === undefined) return { ok: true, path: pathOf(path), warnings };
  }
  return undefined;
}

function isConfigured({ intermediates }: AnchorIndex, der: Uint8Array): boolean {
  return intermediates.some((certificate) => sameBytes(certificate.der, der));
}

function judgeSearch(judgement: Judgement, leaf: Certificate, ranked: Ranked[]): PathResult {
  const { input, limits, rules, anchors, budget } = judgement;
  const pool = poolOf(judgement, leaf, ranked);
  const { pathCertificates } = limits;
  const { at, cache } = input;
  for (const step of searchPaths({ leaf, pool, anchors, at, pathCertificates, cache, budget })) {
    if (step.kind === 'dead-end') {
      ranked.push(deadEndFailure(step.cause, step.certificates, anchors));
      continue;
    }
    const { failure, warnings, progress } = validatePath(step.path, rules, budget);
    if (failure === undefined) {
      const path = pathOf(step.path);
      cache?.remember(leaf, path);
      return { ok: true, path, warnings };
    }
    ranked.push({ failure, progress });
  }
  return refused(ranked);
}

/** What may stand between leaf and anchor: each certificate once, without the leaf and without anchors' own copies. */
function poolOf(judgement: Judgement, leaf: Certificate, ranked: Ranked[]): Certificate[] {
  const { input, anchors } = judgement;
  const pool = new Map<string, Certificate>();
  for (const der of input.chain.slice(1)) {
    const certificate = readCertificate(judgement, der, ranked, 200);
    if (certificate !== undefined) pool.set(certificate.fingerprint, certificate);
  }
  for (const certificate of anchors.intermediates) pool.set(certificate.fingerprint, certificate);
  pool.delete(leaf.fingerprint);
  for (const [fingerprint, certificate] of pool)
    if (anchors.fingerprints.has(fingerprint) && isSelfIssued(certificate)) pool.delete(fingerprint);
  return [...pool.values()];
}

function readCertificate(
  { input }: Judgement,
  der: Uint8Array,
  ranked: Ranked[],
  progress: number,
): Certificate | undefined {
  try {
    const known = input.cache?.issuer(hash('sha256', der, 'hex'));
    return known ?? parseCertificate(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    ranked.push({
      failure: failureOf({ detail: 'malformed_certificate', clause: 'RFC 5280 4.1', message: error.message }),
      progress,
    });
    return undefined;
  }
}

function pathOf({ certificates, anchor }: ChainedPath): CertificatePath {
  const [leaf, ...intermediates] = certificates;
  const { certificate, anchor: owner } = anchor;
  // The only place that makes one: the brand exists for the compiler alone.
  return { leaf, intermediates, anchor: certificate, anchorName: owner.name } as unknown as CertificatePath;
}
