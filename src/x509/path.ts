import { type Certificate, fingerprintOf, parseKnown } from './certificate.ts';
import { DerError, sameBytes } from './der.ts';
import { purposes } from './oids.ts';
import { type AnchorIndex, indexAnchors, type PathAnchor } from './path-anchor.ts';
import type { PathCache } from './path-cache.ts';
import { deadEndFailure, deadEndProgress } from './path-dead-end.ts';
import type { PathFailure, PathWarning } from './path-failure.ts';
import { type Budget, defaultPathLimits, newBudget, type PathLimits, type PathWork, workDone } from './path-limits.ts';
import { searchPaths } from './path-search.ts';
import { settle, stillHolds } from './path-settled.ts';
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

type Outcome =
  | { readonly ok: true; readonly path: CertificatePath; readonly warnings: readonly PathWarning[] }
  | { readonly ok: false; readonly failures: readonly [PathFailure, ...PathFailure[]] };

export type PathResult = Outcome & {
  /** What it took, counted; at most the limits. */
  readonly work: PathWork;
};

interface Judgement {
  readonly input: PathInput;
  readonly limits: PathLimits;
  readonly rules: PathRules;
  readonly anchors: AnchorIndex;
  readonly budget: Budget;
}

/** A failure with how far it came; the farthest is reported first. Put into words only when it is. */
interface Ranked {
  readonly failure: () => PathFailure;
  readonly progress: number;
}

/** Most failures reported. */
const mostReported = 64;

/**
 * Judges the chain that a peer sent: the first path to an anchor that RFC 5280 6.1 and the profile of that anchor
 * accept, or why there is none, one failure for each path tried, the most telling first. Never throws on what a peer
 * sent; the work is bounded by the limits.
 */
export function judgePath(input: PathInput): PathResult {
  const { chain, limits, cache } = input;
  const [leafDer] = chain;
  if (leafDer === undefined) return { ...refused([{ failure: () => noCertificate, progress: 0 }]), work: noWork };
  const most = limits?.certificates ?? defaultPathLimits.certificates;
  if (chain.length > most) return { ...refused([{ failure: () => tooMany(most), progress: 0 }]), work: noWork };
  const fingerprint = fingerprintOf(leafDer);
  const settled = cache?.settled(fingerprint);
  if (settled !== undefined && stillHolds(settled, input) && issuersCame(input, settled.result.path.intermediates))
    return settled.result;
  const judgement = judgementOf(input);
  const outcome = judgeLeaf(judgement, leafDer, fingerprint);
  return { ...outcome, work: workDone(judgement.limits, judgement.budget) };
}

const noWork = workDone(defaultPathLimits, newBudget(defaultPathLimits));

function judgeLeaf(judgement: Judgement, leafDer: Uint8Array, fingerprint: string): Outcome {
  const { cache } = judgement.input;
  const known = cache && judgeKnownLeaf(judgement, cache, leafDer, fingerprint);
  if (known !== undefined) return known;
  const ranked: Ranked[] = [];
  const leaf = readCertificate(leafDer, fingerprint, ranked, 3000);
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

function refused(ranked: readonly Ranked[]): Outcome {
  const best = ranked.toSorted((a, b) => b.progress - a.progress).slice(0, mostReported);
  const [first = noCertificate, ...rest] = best.map(({ failure }) => failure());
  return { ok: false, failures: [first, ...rest] };
}

/** The way that this very leaf went before, when it is still there to be gone: only its signatures are believed. */
function judgeKnownLeaf(
  { input, anchors, rules, budget }: Judgement,
  cache: PathCache,
  leafDer: Uint8Array,
  fingerprint: string,
): Outcome | undefined {
  const known = cache.leafPath(fingerprint);
  if (known === undefined) return undefined;
  if (!issuersCame(input, known.intermediates)) return undefined;
  const certificates = [parseKnown(leafDer, fingerprint), ...known.intermediates];
  for (const anchor of anchors.fingerprints.get(known.anchor.fingerprint) ?? []) {
    const path: ChainedPath = { certificates, anchor };
    const { failure, warnings } = validatePath(path, rules, budget);
    if (failure !== undefined) continue;
    const outcome = { ok: true, path: pathOf(path), warnings } as const;
    cache.settle(fingerprint, settle(input, anchor, { ...outcome, work: noWork }));
    return outcome;
  }
  return undefined;
}

/** Without its issuers a leaf that was good before is incomplete, unless TLS resumed and could not send them. */
function issuersCame({ chain, anchors, resumed }: PathInput, issuers: readonly Certificate[]): boolean {
  if (resumed === true) return true;
  const { intermediates } = indexAnchors(anchors);
  return issuers.every(
    ({ der }) =>
      chain.some((sent) => sameBytes(sent, der)) || intermediates.some((configured) => sameBytes(configured.der, der)),
  );
}

function judgeSearch(judgement: Judgement, leaf: Certificate, ranked: Ranked[]): Outcome {
  const { input, limits, rules, anchors, budget } = judgement;
  const pool = poolOf(judgement, leaf, ranked);
  const { pathCertificates } = limits;
  const { at, cache } = input;
  for (const step of searchPaths({ leaf, pool, anchors, at, pathCertificates, cache, budget })) {
    if (step.kind === 'dead-end') {
      const { cause, certificates } = step;
      const progress = deadEndProgress(cause) + certificates.length;
      ranked.push({ failure: () => deadEndFailure(cause, certificates, anchors), progress });
      continue;
    }
    const { failure, warnings, progress } = validatePath(step.path, rules, budget);
    if (failure === undefined) {
      const path = pathOf(step.path);
      cache?.remember(leaf, path);
      return { ok: true, path, warnings };
    }
    ranked.push({ failure: () => failure, progress });
  }
  return refused(ranked);
}

/** What may stand between leaf and anchor: each certificate once, without the leaf and without anchors' own copies. */
function poolOf({ input, anchors }: Judgement, leaf: Certificate, ranked: Ranked[]): Certificate[] {
  const pool = new Map<string, Certificate>();
  for (const der of input.chain.slice(1)) {
    const fingerprint = fingerprintOf(der);
    if (pool.has(fingerprint)) continue;
    const certificate = input.cache?.issuer(fingerprint) ?? readCertificate(der, fingerprint, ranked, 200);
    if (certificate !== undefined) pool.set(fingerprint, certificate);
  }
  for (const certificate of anchors.intermediates) pool.set(certificate.fingerprint, certificate);
  pool.delete(leaf.fingerprint);
  for (const [fingerprint, certificate] of pool)
    if (anchors.fingerprints.has(fingerprint) && isSelfIssued(certificate)) pool.delete(fingerprint);
  return [...pool.values()];
}

function readCertificate(
  der: Uint8Array,
  fingerprint: string,
  ranked: Ranked[],
  progress: number,
): Certificate | undefined {
  try {
    return parseKnown(der, fingerprint);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const { message } = error;
    const failure = () => failureOf({ detail: 'malformed_certificate', clause: 'RFC 5280 4.1', message });
    ranked.push({ failure, progress });
    return undefined;
  }
}

function pathOf({ certificates, anchor }: ChainedPath): CertificatePath {
  const [leaf, ...intermediates] = certificates;
  const { certificate, anchor: owner } = anchor;
  // The only place that makes one: the brand exists for the compiler alone.
  return { leaf, intermediates, anchor: certificate, anchorName: owner.name } as unknown as CertificatePath;
}
