import { activeCertificates } from '../../fleet/active-certificates.ts';
import type { Queryable } from '../../platform/postgres.ts';
import { judgePath } from '../../x509/path.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { createPathCache, type PathCache } from '../../x509/path-cache.ts';
import { decide } from '../decide.ts';
import { isOcsp } from '../revocation-policy.ts';
import type { SourceAnswer, Verdict, VerdictCause } from '../verdict.ts';
import type { Facts } from './facts.ts';
import { type StoredAnswers, storedAnswers } from './ocsp-stored.ts';
import { inForce } from './revocation.ts';
import { collectAnswers, crlAnswer, type SourceQuestion, type Subject } from './statuses.ts';

/** An active device that would have no session any more. */
export interface CutOff {
  readonly deviceId: string;
  readonly identity: string;
  readonly anchor: string;
  readonly fingerprint: string;
  readonly outcome: 'quarantine' | 'deny';
  readonly cause: VerdictCause;
  readonly detail: string;
  /** It has one as things stand. */
  readonly newly: boolean;
}

/** What facts (a policy, a CRL, a list) would mean for the active devices, from what is known without asking anybody. */
export interface Impact {
  readonly active: number;
  readonly refused: readonly CutOff[];
  /** Devices whose status nobody knows before a source is asked when they come. */
  readonly open: number;
  /** Devices of which no whole certificate is kept, or whose path is not good now anyway. */
  readonly unjudged: number;
}

export interface ImpactDeps {
  readonly db: Queryable;
  readonly anchors: readonly PathAnchor[];
}

const cacheEntries = 1000;

interface Inquiry extends ImpactDeps {
  readonly before: Facts;
  readonly after: Facts;
  readonly at: Date;
  readonly cache: PathCache;
  readonly byAnchor: ReadonlyMap<string, readonly PathAnchor[]>;
}

/** Judges every active device twice: as things stand, and as they would be. */
export async function assessImpact(deps: ImpactDeps, before: Facts, after: Facts, at: Date): Promise<Impact> {
  const cache = createPathCache({ maxEntries: cacheEntries });
  const byAnchor = new Map(deps.anchors.map((anchor) => [anchor.name, [anchor]]));
  const inquiry: Inquiry = { ...deps, before, after, at, cache, byAnchor };
  const total = { active: 0, open: 0, unjudged: 0 };
  const refused: CutOff[] = [];
  for await (const page of activeCertificates(deps.db)) {
    const answers = await storedAnswers(
      deps.db,
      page.map(({ fingerprint }) => fingerprint),
    );
    for (const device of page) {
      total.active += 1;
      const { chain, identity, anchor, fingerprint, deviceId } = device;
      const result = judgePath({ chain, anchors: byAnchor.get(anchor) ?? [], at, cache });
      if (!result.ok) {
        total.unjudged += 1;
        continue;
      }
      const found = weigh(inquiry, { path: result.path, identity }, answers);
      if (found === 'open') total.open += 1;
      else if (found !== undefined) refused.push({ deviceId, identity, anchor, fingerprint, ...found });
    }
    // Other work has its turn.
    await new Promise(setImmediate);
  }
  return { ...total, refused };
}

type Found = Pick<CutOff, 'outcome' | 'cause' | 'detail' | 'newly'> | 'open' | undefined;

function weigh(inquiry: Inquiry, subject: Subject, answers: StoredAnswers): Found {
  const after = judge(inquiry, inquiry.after, subject, answers);
  if (after.verdict.outcome === 'admit') return undefined;
  const { outcome, cause, detail } = after.verdict;
  if (after.silent && cause !== 'revoked_crl' && cause !== 'revoked_ocsp') return 'open';
  const before = judge(inquiry, inquiry.before, subject, answers);
  return { outcome, cause, detail, newly: before.verdict.outcome === 'admit' || before.silent };
}

function judge(
  { at, byAnchor }: Inquiry,
  facts: Facts,
  subject: Subject,
  answers: StoredAnswers,
): { readonly verdict: Verdict; readonly silent: boolean } {
  const policy = inForce(facts, subject, at);
  let silent = false;
  const peek = (question: SourceQuestion): SourceAnswer | undefined => {
    const answer = isOcsp(question.source)
      ? answers.find(question)
      : crlAnswer(facts, question, byAnchor.get(subject.path.anchorName) ?? []);
    silent ||= answer === undefined;
    return answer;
  };
  return { verdict: decide(policy, collectAnswers(facts, subject, policy?.policy, peek, at), at), silent };
}

/** How many of those that have a session now would have none. */
function newlyCutOff({ refused }: Impact): number {
  return refused.filter(({ newly }) => newly).length;
}

/** The guard: undefined to go on, else the number that has to be confirmed. One device is nobody's accident. */
export function mustConfirm(impact: Impact, share: number, confirmed: number | undefined): number | undefined {
  const count = newlyCutOff(impact);
  if (count <= 1 || count <= share * impact.active || confirmed === count) return undefined;
  return count;
}
