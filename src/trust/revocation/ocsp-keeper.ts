import type { Database } from '../../platform/postgres.ts';
import type { CertificateStatus } from '../../x509/certificate-status.ts';
import { defaultOcspRules, judgeOcspResponse, type OcspJudgement, type OcspRules } from '../../x509/ocsp-judgement.ts';
import type { OcspClient } from '../ocsp-client.ts';
import type { OcspResponder } from '../ocsp-exchange.ts';
import { sourceName } from '../revocation-policy.ts';
import type { SourceAnswer } from '../verdict.ts';
import type { DelegateStatus } from './delegate-status.ts';
import { factsLive } from './facts.ts';
import { type OcspRow, storeAnswer, storedAnswer } from './ocsp-queries.ts';
import { noPointer, type Pair, pairOf, rulesOf, urlsOf } from './ocsp-question.ts';
import { egressOf } from './source-urls.ts';
import { certificatesOf, type SourceQuestion } from './statuses.ts';

export interface OcspKeeper {
  /** From memory: an answer in its time, or a failure of a moment ago. */
  peek(question: SourceQuestion): SourceAnswer | undefined;
  /** Memory, what another node was told, the responders: in this order. Never rejects. */
  ask(question: SourceQuestion): Promise<SourceAnswer>;
  /** Asks again for what is past half of its life and was wanted lately; how many. */
  refresh(at: Date): Promise<number>;
  /** Forgets one certificate, as another node was told otherwise, or everything, as after a change of policy. */
  forget(certificate?: string): void;
  /** Grows whenever an answer took the place of one that said otherwise. */
  generation(): number;
  /** Told which certificate an answer said otherwise of than the one before. */
  onChange(listener: (certificate: string) => void): void;
}

/** Nodes are told on it which certificate a responder revoked. */
export const ocspChannel = 'hems_ocsp';

export interface OcspKeeperDeps {
  readonly db: Database;
  readonly client: OcspClient;
  readonly complain: (error: unknown, message: string) => void;
  /** Absent: responders must be vouched for (id-pkix-ocsp-nocheck), be the CA itself, or be configured. */
  readonly delegateStatus?: DelegateStatus;
  /** Whether other nodes' word of revoked certificates arrives; else memory is believed for five seconds. */
  readonly linked?: () => boolean;
  /** From 0 up to 1, for the jitter of refreshes. */
  readonly random?: () => number;
  /** Answers kept in memory (default 50 000). */
  readonly capacity?: number;
}

interface Kept {
  readonly question: SourceQuestion;
  readonly answer: SourceAnswer;
  readonly from: number;
  /** After this moment it has to be asked again. */
  readonly until: number;
  /** Past half of its life, earlier by some jitter. */
  readonly refreshAt: number;
  wanted: number;
}

/** How long a responder's failure, or its "unknown", is believed without asking again. */
const failureLives = 15_000;
/** An answer that nobody wanted for so long is not refreshed. */
const wantedWithin = 24 * 3_600_000;
const refreshesAtOnce = 16;

interface Keeper extends OcspKeeperDeps {
  readonly kept: Map<string, Kept>;
  readonly flights: Map<string, Promise<SourceAnswer>>;
  readonly listeners: ((certificate: string) => void)[];
  generation: number;
}

export function createOcspKeeper(deps: OcspKeeperDeps): OcspKeeper {
  const keeper: Keeper = { ...deps, kept: new Map(), flights: new Map(), listeners: [], generation: 0 };
  return {
    peek: (question) => peek(keeper, question),
    ask: (question) => peekOr(keeper, question),
    refresh: (at) => refreshDue(keeper, at),
    forget: (certificate) => {
      for (const key of keeper.kept.keys())
        if (certificate === undefined || key.startsWith(certificate)) keeper.kept.delete(key);
      keeper.generation += 1;
    },
    generation: () => keeper.generation,
    onChange: (listener) => keeper.listeners.push(listener),
  };
}

function keyOf({ source, path, index }: SourceQuestion): string {
  return `${certificatesOf(path)[index]?.fingerprint} ${sourceName(source)}`;
}

function peek(keeper: Keeper, question: SourceQuestion): SourceAnswer | undefined {
  const subject = pairOf(question);
  if (subject === undefined || urlsOf(question.source, subject.certificate).length === 0) return noPointer(question);
  const kept = keeper.kept.get(keyOf(question));
  if (kept === undefined || question.at.getTime() > kept.until) return undefined;
  if (keeper.linked?.() === false && question.at.getTime() - kept.from > factsLive) return undefined;
  kept.wanted = question.at.getTime();
  return kept.answer;
}

function peekOr(keeper: Keeper, question: SourceQuestion): Promise<SourceAnswer> {
  const known = peek(keeper, question);
  return known === undefined ? shared(keeper, question, true) : Promise.resolve(known);
}

/** One flight for each certificate and source at a time. */
function shared(keeper: Keeper, question: SourceQuestion, fromOthers: boolean): Promise<SourceAnswer> {
  const key = keyOf(question);
  const flight =
    keeper.flights.get(key) ?? obtain(keeper, question, fromOthers).finally(() => keeper.flights.delete(key));
  keeper.flights.set(key, flight);
  return flight;
}

async function obtain(keeper: Keeper, question: SourceQuestion, fromOthers: boolean): Promise<SourceAnswer> {
  const subject = pairOf(question);
  if (subject === undefined) return noPointer(question);
  const told = fromOthers ? await stored(keeper, question, subject) : undefined;
  if (told !== undefined) return told;
  try {
    return await fetchAnswer(keeper, question, subject);
  } catch (error) {
    keeper.complain(error, 'an OCSP responder could not be asked');
    return { source: sourceName(question.source), status: { kind: 'unknown', cause: 'unreachable' } };
  }
}

/** What another node was told: judged anew, but for the nonce, which was that node's to compare. */
async function stored(keeper: Keeper, question: SourceQuestion, pair: Pair): Promise<SourceAnswer | undefined> {
  const { certificate } = pair;
  const found = await keeper.db
    .query<OcspRow>(storedAnswer(certificate.fingerprint, sourceName(question.source)))
    .catch(() => undefined);
  const row = found?.rows[0];
  if (row === undefined) return undefined;
  const judgement = judgeOcspResponse(
    row.response,
    pair,
    { ...defaultOcspRules, ...rulesOf(question), unmarkedDelegates: delegatesOf(keeper, question) },
    question.at,
  );
  // Past half of its life a newer one may be had, and a moment's wait is better than an answer about to end.
  if (judgement.status.kind === 'unknown' || isTired(judgement, question.at)) return undefined;
  return keep(keeper, question, { status: judgement.status });
}

function isTired({ status, validUntil }: OcspJudgement, at: Date): boolean {
  if (status.kind === 'unknown' || validUntil === undefined) return true;
  return at.getTime() > (status.thisUpdate.getTime() + validUntil.getTime()) / 2;
}

function delegatesOf({ delegateStatus }: Keeper, question: SourceQuestion): OcspRules['unmarkedDelegates'] {
  if (delegateStatus === undefined) return 'refuse';
  return (delegate) => delegateStatus(question, delegate);
}

async function fetchAnswer(keeper: Keeper, question: SourceQuestion, pair: Pair): Promise<SourceAnswer> {
  const { policy, source, at } = question;
  const responders = urlsOf(source, pair.certificate).map(
    (url): OcspResponder => ({
      url,
      egress: egressOf(source),
      timeout: source.timeout ?? policy.timeout,
      method: source.method === 'get' ? 'GET' : 'POST',
      nonce: source.nonce ?? policy.nonce,
      certIdHash: 'sha1',
      rules: rulesOf(question),
    }),
  );
  const { issuerValidity } = defaultOcspRules;
  const unmarkedDelegates = delegatesOf(keeper, question);
  const answer = await keeper.client.ask({ ...pair, responders, unmarkedDelegates, issuerValidity }, at);
  const { status, responder, der } = answer;
  if (der !== undefined && status.kind !== 'unknown') await share(keeper, question, pair, der, status);
  return keep(keeper, question, { status, ...(responder !== undefined && { url: responder }) });
}

async function share(
  keeper: Keeper,
  { source, at }: SourceQuestion,
  { certificate }: Pair,
  response: Uint8Array,
  { thisUpdate, nextUpdate }: Exclude<CertificateStatus, { kind: 'unknown' }>,
): Promise<void> {
  const row = {
    certificate: certificate.fingerprint,
    source: sourceName(source),
    response,
    thisUpdate,
    nextUpdate,
    at,
  };
  // The answer counts here whether the others learn of it or not.
  await keeper.db.query(storeAnswer(row)).catch((error) => keeper.complain(error, 'an OCSP answer was not shared'));
}

function announce(keeper: Keeper, certificate: string): void {
  keeper.generation += 1;
  for (const listener of keeper.listeners) listener(certificate);
  keeper.db
    .notify(ocspChannel, certificate)
    .catch((error) => keeper.complain(error, 'other nodes were not told of an OCSP answer'));
}

function keep(
  keeper: Keeper,
  question: SourceQuestion,
  { status, url }: { readonly status: CertificateStatus; readonly url?: string },
): SourceAnswer {
  const { policy, source, at } = question;
  const now = at.getTime();
  const answer: SourceAnswer = { source: sourceName(source), status, ...(url !== undefined && { basis: { url } }) };
  const until = status.kind === 'unknown' ? now + failureLives : endOf(status, source.maxAge ?? policy.maxAge);
  const half = (until - now) * (0.4 + 0.2 * (keeper.random ?? Math.random)());
  if (keeper.kept.size >= (keeper.capacity ?? 50_000)) {
    const [oldest] = keeper.kept.keys();
    if (oldest !== undefined) keeper.kept.delete(oldest);
  }
  const key = keyOf(question);
  const before = keeper.kept.get(key)?.answer.status.kind;
  keeper.kept.delete(key);
  if (status.kind === 'revoked' && before !== 'revoked')
    announce(keeper, certificatesOf(question.path)[question.index]?.fingerprint ?? '');
  keeper.kept.set(key, { question, answer, from: now, until, refreshAt: now + half, wanted: now });
  return answer;
}

/** Without nextUpdate (RFC 6960 4.2.2.1) an hour, unless the policy says otherwise. */
function endOf(
  { thisUpdate, nextUpdate }: Exclude<CertificateStatus, { kind: 'unknown' }>,
  maxAge: number | 'next-update',
): number {
  const age = maxAge === 'next-update' ? (nextUpdate === undefined ? 3_600_000 : Number.POSITIVE_INFINITY) : maxAge;
  return Math.min(nextUpdate?.getTime() ?? Number.POSITIVE_INFINITY, thisUpdate.getTime() + age);
}

async function refreshDue(keeper: Keeper, at: Date): Promise<number> {
  const now = at.getTime();
  const due = [...keeper.kept.values()].filter(
    ({ refreshAt, wanted, answer }) =>
      refreshAt <= now && now - wanted < wantedWithin && answer.status.kind !== 'unknown',
  );
  for (let from = 0; from < due.length; from += refreshesAtOnce) {
    const some = due.slice(from, from + refreshesAtOnce);
    await Promise.all(some.map((kept) => refreshOne(keeper, kept, at)));
  }
  return due.length;
}

/** A refresh that fails leaves the answer at hand in its place. */
async function refreshOne(keeper: Keeper, before: Kept, at: Date): Promise<void> {
  const { wanted } = before;
  const key = keyOf(before.question);
  const answer = await shared(keeper, { ...before.question, at }, true);
  const now = keeper.kept.get(key);
  const pause = Math.max(failureLives, (before.until - at.getTime()) / 4);
  if (answer.status.kind === 'unknown' && at.getTime() < before.until)
    keeper.kept.set(key, { ...before, refreshAt: at.getTime() + pause });
  else if (now !== undefined) now.wanted = wanted;
}
