import type { Clock } from '../../platform/clock.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { decide } from '../decide.ts';
import { isOcsp, type PolicyInForce, policyOf, type RevocationSource } from '../revocation-policy.ts';
import type { SourceAnswer, Verdict } from '../verdict.ts';
import type { Facts, FactsKeeper } from './facts.ts';
import type { OcspKeeper } from './ocsp-keeper.ts';
import {
  certificatesOf,
  collectAnswers,
  crlAnswer,
  crlUrls,
  depthOf,
  type SourceQuestion,
  type Subject,
} from './statuses.ts';

/** What the gate asks, before any session. */
export interface Revocation {
  /**
   * The verdict on a path that was found good. From memory where it can be; else sources are asked, each within its
   * time-out. Rejects when the database has to be asked and does not answer.
   */
  judge(subject: Subject, at: Date): Promise<Verdict>;
  /** From memory alone, as for connections that are open; sources that were never asked are silent. */
  recall(subject: Subject, facts: Facts, at: Date): Verdict;
}

export interface RevocationDeps {
  readonly clock: Clock;
  readonly facts: FactsKeeper;
  readonly ocsp: OcspKeeper;
  /** Fetches what a CRL source needs and is not there; resolves when facts are up to date again, or in vain. */
  readonly fetchCrls: (urls: readonly string[], question: SourceQuestion) => Promise<void>;
  readonly anchors: readonly PathAnchor[];
  readonly metrics: Pick<RevocationCounters, 'judged'>;
  /** Verdicts remembered (default 50 000). */
  readonly capacity?: number;
}

export interface RevocationCounters {
  /** How a verdict came about: remembered, worked out from memory, or after waiting for a source. */
  judged(verdict: Verdict, anchor: string, how: 'remembered' | 'memory' | 'waited', seconds: number): void;
}

interface Remembered {
  readonly generation: string;
  readonly identity: string | undefined;
  readonly issuers: string;
  readonly verdict: Verdict;
}

interface Court extends RevocationDeps {
  readonly byAnchor: ReadonlyMap<string, readonly PathAnchor[]>;
  readonly remembered: Map<string, Remembered>;
}

export function createRevocation(deps: RevocationDeps): Revocation {
  const byAnchor = new Map(deps.anchors.map((anchor) => [anchor.name, [anchor]]));
  const court: Court = { ...deps, byAnchor, remembered: new Map() };
  return {
    recall: (subject, facts, at) => fromMemory(court, facts, subject, at),
    judge: async (subject, at) => {
      const started = performance.now();
      const facts = await deps.facts.current();
      const known = recallVerdict(court, facts, subject, at);
      const [verdict, how] =
        known === undefined ? await judgeAnew(court, facts, subject, at) : [known, 'remembered' as const];
      deps.metrics.judged(verdict, subject.path.anchorName, how, (performance.now() - started) / 1000);
      return verdict;
    },
  };
}

function recallVerdict(court: Court, facts: Facts, subject: Subject, at: Date): Verdict | undefined {
  const { path, identity } = subject;
  const known = court.remembered.get(path.leaf.fingerprint);
  if (known === undefined || known.generation !== generationOf(court, facts) || known.verdict.validUntil <= at)
    return undefined;
  return known.identity === identity && known.issuers === issuersOf(subject) ? known.verdict : undefined;
}

function generationOf({ ocsp }: Court, { generation }: Facts): string {
  return `${generation} ${ocsp.generation()}`;
}

function issuersOf({ path }: Subject): string {
  return [...path.intermediates, path.anchor].map(({ fingerprint }) => fingerprint).join();
}

async function judgeAnew(
  court: Court,
  facts: Facts,
  subject: Subject,
  at: Date,
): Promise<readonly [Verdict, 'memory' | 'waited']> {
  const first = fromMemory(court, facts, subject, at);
  const policy = inForce(facts, subject, at);
  if (policy === undefined || isSettled(first)) return [remember(court, facts, subject, first), 'memory'];
  const waited = await askSources(court, facts, subject, policy, at);
  if (!waited) return [remember(court, facts, subject, first), 'memory'];
  // Fetched CRLs arrive as newer facts.
  const newer = court.facts.peek() ?? facts;
  return [remember(court, newer, subject, fromMemory(court, newer, subject, at)), 'waited'];
}

/** Nothing that a source could still say would change it for the better. */
function isSettled(verdict: Verdict): boolean {
  if (verdict.outcome === 'admit') return verdict.tolerated.length === 0;
  return verdict.cause === 'revoked_crl' || verdict.cause === 'revoked_ocsp';
}

/** Only admissions: who is refused may ask for the sources to be looked at anew. */
function remember(court: Court, facts: Facts, subject: Subject, verdict: Verdict): Verdict {
  if (verdict.outcome !== 'admit') return verdict;
  const { remembered, capacity = 50_000 } = court;
  const key = subject.path.leaf.fingerprint;
  remembered.delete(key);
  if (remembered.size >= capacity) {
    const [oldest] = remembered.keys();
    if (oldest !== undefined) remembered.delete(oldest);
  }
  const generation = generationOf(court, facts);
  remembered.set(key, { generation, identity: subject.identity, issuers: issuersOf(subject), verdict });
  return verdict;
}

function fromMemory(court: Court, facts: Facts, subject: Subject, at: Date): Verdict {
  const policy = inForce(facts, subject, at);
  const peek = (question: SourceQuestion) => peekSource(court, facts, question);
  return decide(policy, collectAnswers(facts, subject, policy?.policy, peek, at), at);
}

function peekSource(court: Court, facts: Facts, question: SourceQuestion): SourceAnswer | undefined {
  if (isOcsp(question.source)) return court.ocsp.peek(question);
  return crlAnswer(facts, question, court.byAnchor.get(question.path.anchorName) ?? []);
}

/** The policy of the path's anchor, with an override or the certificate's own release, whichever lasts longer. */
export function inForce(facts: Facts, { path }: Subject, at: Date): PolicyInForce | undefined {
  const policy = facts.policy && policyOf(facts.policy.document, path.anchorName);
  if (facts.policy === undefined || policy === undefined) return undefined;
  const version = String(facts.policy.version);
  const released = facts.releases.get(path.leaf.fingerprint);
  const overridden = facts.override?.until;
  const holds = (until: Date | undefined): until is Date => until !== undefined && until > at;
  if (holds(overridden)) return { version, policy, relaxed: { until: overridden, by: 'override' } };
  if (holds(released)) return { version, policy, relaxed: { until: released, by: 'release' } };
  return { version, policy };
}

/** Asks what is silent so far: source by source until one can say, or all of them. False when nobody was asked. */
async function askSources(
  court: Court,
  facts: Facts,
  subject: Subject,
  { policy }: PolicyInForce,
  at: Date,
): Promise<boolean> {
  const { path } = subject;
  const indexes = certificatesOf(path)
    .slice(0, depthOf(policy, path))
    .map((_, index) => index);
  const askSource = async (source: RevocationSource): Promise<boolean> => {
    const silent = indexes
      .map((index): SourceQuestion => ({ policy, source, path, index, at }))
      .filter((question) => peekSource(court, facts, question) === undefined);
    await Promise.all(silent.map((question) => askOne(court, facts, question)));
    return silent.length > 0;
  };
  if (policy.combine === 'all-must-be-good')
    return (await Promise.all(policy.sources.map(askSource))).some((asked) => asked);
  let asked = false;
  for (const source of policy.sources) {
    if (!(await askSource(source))) continue;
    asked = true;
    if (isSettled(fromMemory(court, court.facts.peek() ?? facts, subject, at))) break;
  }
  return asked;
}

async function askOne(court: Court, facts: Facts, question: SourceQuestion): Promise<void> {
  if (isOcsp(question.source)) await court.ocsp.ask(question);
  else await court.fetchCrls(crlUrls(facts, question), question);
}
