import type { CertificateStatus } from '../x509/certificate-status.ts';
import { isOcsp, type PolicyInForce, type RevocationSource, sourceKinds, sourceName } from './revocation-policy.ts';
import {
  type CertificateAnswers,
  operatorList,
  type SourceAnswer,
  type Tolerance,
  type Verdict,
  type VerdictCause,
  verdictDetail,
} from './verdict.ts';

type Unknown = Extract<CertificateStatus, { kind: 'unknown' }>;

/** RFC 6960 4.2.2.1, RFC 5280 6.3.3: clocks differ; a thisUpdate further ahead is of no use. */
const clockSkew = 5 * 60_000;
/** An answer without nextUpdate (RFC 6960 4.2.2.1: newer information is always available) under no maxAge. */
const unboundedAge = 3_600_000;
/** A tolerated unknown is looked at again so soon. */
const lookAgain = 60_000;

/**
 * The operator's policy applied to what the sources said: pure, and total over every input. `statuses` holds the
 * certificates of the path but the anchor, the device's first; a source of the policy that is missing in it did not
 * answer. `policy` undefined: revocation is not checked, but the operator's own list counts even then.
 */
export function decide(policy: PolicyInForce | undefined, statuses: readonly CertificateAnswers[], at: Date): Verdict {
  const base = { version: policy?.version ?? 'none', evidence: statuses };
  const revoked = statuses.flatMap((asked) => revocationOf(policy, asked, at));
  // Whatever the depth, the order and the tolerance: a certificate that is known to be revoked opens nothing.
  const [worst] = revoked;
  if (worst !== undefined)
    return { ...base, outcome: 'deny', ...worst, validUntil: new Date(at.getTime() + lookAgain), tolerated: [] };
  if (policy === undefined)
    return { ...base, outcome: 'admit', validUntil: new Date(at.getTime() + unboundedAge), tolerated: ['unchecked'] };
  return standing(policy, statuses, at, base);
}

type Reason = { readonly cause: VerdictCause; readonly detail: string; readonly certificate: string };

function revocationOf(policy: PolicyInForce | undefined, asked: CertificateAnswers, at: Date): readonly Reason[] {
  return asked.answers.flatMap(({ source, status }) => {
    if (status.kind !== 'revoked') return [];
    // Only a hold can be lifted; one past its time may have been, so it counts as unknown, and no less.
    if (status.reason === 'certificateHold' && policy !== undefined && isStale(policy, source, status, at)) return [];
    const detail = source === operatorList ? 'operator_list' : verdictDetail(status.reason);
    return [{ cause: revokedBy(source), detail, certificate: asked.certificate }];
  });
}

function isStale(policy: PolicyInForce, name: string, status: Dated, at: Date): boolean {
  const source = policy.policy.sources.find((one) => sourceName(one) === name);
  return source !== undefined && freshness(policy, source, status, at).kind === 'stale';
}

function revokedBy(source: string): VerdictCause {
  const kind = sourceKinds.find((one) => source === one || source.startsWith(`${one} `));
  return kind !== undefined && isOcsp({ kind }) ? 'revoked_ocsp' : 'revoked_crl';
}

function standing(
  policy: PolicyInForce,
  statuses: readonly CertificateAnswers[],
  at: Date,
  base: Pick<Verdict, 'version' | 'evidence'>,
): Verdict {
  const { depth, onUnknown } = policy.policy;
  const leaf = statuses.slice(0, 1);
  // A path without a certificate is no path: nobody was asked about anything.
  if (leaf.length === 0) return unknownVerdict(base, { cause: 'not-fetched', certificate: '' }, onUnknown, at);
  const judged = (depth === 'chain' ? statuses : leaf).map((asked) => ({ asked, found: judgeOne(policy, asked, at) }));
  const open = judged.flatMap(({ asked, found }) =>
    found.ok ? [] : [{ cause: found.cause, certificate: asked.certificate }],
  );
  const [first] = open;
  const relaxed = policy.relaxed !== undefined && at < policy.relaxed.until ? policy.relaxed : undefined;
  if (first !== undefined && relaxed === undefined && onUnknown !== 'admit')
    return unknownVerdict(base, first, onUnknown, at);
  const tolerated = new Set<Tolerance>();
  const ends = judged.map(({ found }) => (found.ok ? found.until.getTime() : at.getTime() + lookAgain));
  if (first !== undefined && onUnknown === 'admit') tolerated.add('unknown');
  if (first !== undefined && onUnknown !== 'admit' && relaxed !== undefined) {
    tolerated.add(relaxed.by);
    ends.push(relaxed.until.getTime());
  }
  if (judged.some(({ found }) => found.ok && found.grace)) tolerated.add('grace');
  return { ...base, outcome: 'admit', validUntil: new Date(Math.min(...ends)), tolerated: [...tolerated] };
}

function unknownVerdict(
  base: Pick<Verdict, 'version' | 'evidence'>,
  { cause, certificate }: { readonly cause: Unknown['cause']; readonly certificate: string },
  outcome: 'deny' | 'quarantine' | 'admit',
  at: Date,
): Verdict {
  return {
    ...base,
    outcome: outcome === 'quarantine' ? 'quarantine' : 'deny',
    cause: unknownCause(cause),
    detail: verdictDetail(cause),
    certificate,
    validUntil: new Date(at.getTime() + lookAgain),
    tolerated: [],
  };
}

function unknownCause(cause: Unknown['cause']): VerdictCause {
  if (cause === 'stale') return 'revocation_stale';
  return cause === 'responder-unknown' ? 'ocsp_unknown' : 'revocation_unavailable';
}

type Found =
  | { readonly ok: true; readonly until: Date; readonly grace: boolean }
  | { readonly ok: false; readonly cause: Unknown['cause'] };

function judgeOne(policy: PolicyInForce, asked: CertificateAnswers, at: Date): Found {
  const { sources, combine } = policy.policy;
  const heard = sources.map((source) => judgeAnswer(policy, source, answerOf(asked.answers, source), at));
  const good = heard.filter((one) => one.ok);
  const causes = heard.flatMap((one) => (one.ok ? [] : [one.cause]));
  const first = good.find(({ grace }) => !grace) ?? good[0];
  switch (combine) {
    case 'first-answer':
      return first ?? { ok: false, cause: worstOf(causes) };
    case 'all-must-be-good':
      if (causes.length > 0 || first === undefined) return { ok: false, cause: worstOf(causes) };
      return {
        ok: true,
        until: new Date(Math.min(...good.map(({ until }) => until.getTime()))),
        grace: good.some(({ grace }) => grace),
      };
  }
}

function answerOf(answers: readonly SourceAnswer[], source: RevocationSource): CertificateStatus | undefined {
  return answers.find((answer) => answer.source === sourceName(source))?.status;
}

function judgeAnswer(
  policy: PolicyInForce,
  source: RevocationSource,
  status: CertificateStatus | undefined,
  at: Date,
): Found {
  if (status === undefined) return { ok: false, cause: 'not-fetched' };
  switch (status.kind) {
    case 'unknown':
      return { ok: false, cause: status.cause };
    case 'revoked':
      // Anything but a hold past its time has denied already.
      return { ok: false, cause: 'stale' };
    case 'good': {
      const fresh = freshness(policy, source, status, at);
      return fresh.kind === 'fresh' ? { ok: true, ...fresh } : { ok: false, cause: fresh.kind };
    }
  }
}

type Dated = { readonly thisUpdate: Date; readonly nextUpdate?: Date };

type Freshness =
  | { readonly kind: 'fresh'; readonly until: Date; readonly grace: boolean }
  | { readonly kind: 'stale' | 'not-yet-valid' };

/** REV-15, REV-29: between thisUpdate and the earlier of nextUpdate and thisUpdate + maxAge, and `grace` beyond. */
function freshness(
  { policy }: PolicyInForce,
  source: RevocationSource,
  { thisUpdate, nextUpdate }: Dated,
  at: Date,
): Freshness {
  const now = at.getTime();
  const from = thisUpdate.getTime();
  if (from > now + clockSkew) return { kind: 'not-yet-valid' };
  const age = source.maxAge ?? policy.maxAge;
  const most = age === 'next-update' ? (nextUpdate === undefined ? unboundedAge : Number.POSITIVE_INFINITY) : age;
  const ends = Math.min(nextUpdate?.getTime() ?? Number.POSITIVE_INFINITY, from + most);
  // A date that is none (NaN) compares false, and what cannot be told to be fresh is stale.
  if (now <= ends) return { kind: 'fresh', until: new Date(ends), grace: false };
  const later = ends + policy.grace;
  return now <= later ? { kind: 'fresh', until: new Date(later), grace: true } : { kind: 'stale' };
}

/** Of several causes the most telling one: the responder's own "unknown", then data past its time, then the first. */
function worstOf(causes: readonly Unknown['cause'][]): Unknown['cause'] {
  return (
    causes.find((cause) => cause === 'responder-unknown') ??
    causes.find((cause) => cause === 'stale') ??
    causes[0] ??
    'not-fetched'
  );
}
