import type { Database } from '../../platform/postgres.ts';
import type { CertificateStatus } from '../../x509/certificate-status.ts';
import { defaultOcspRules, judgeOcspResponse, type OcspJudgement, type OcspRules } from '../../x509/ocsp-judgement.ts';
import type { OcspClient } from '../ocsp-client.ts';
import type { OcspResponder } from '../ocsp-exchange.ts';
import { sourceName } from '../revocation-policy.ts';
import type { SourceAnswer } from '../verdict.ts';
import type { DelegateStatus } from './delegate-status.ts';
import { type OcspRow, storeAnswer, storedAnswer } from './ocsp-queries.ts';
import { type Pair, rulesOf, urlsOf } from './ocsp-question.ts';
import { egressOf } from './source-urls.ts';
import type { SourceQuestion } from './statuses.ts';

export interface ObtainingDeps {
  readonly db: Database;
  readonly client: OcspClient;
  readonly complain: (error: unknown, message: string) => void;
  /** Absent: responders must be vouched for (id-pkix-ocsp-nocheck), be the CA itself, or be configured. */
  readonly delegateStatus?: DelegateStatus;
}

/** What another node was told, or else what the responders say, which the other nodes learn of. */
export async function obtainAnswer(deps: ObtainingDeps, question: SourceQuestion, pair: Pair): Promise<SourceAnswer> {
  return (await toldElsewhere(deps, question, pair)) ?? (await askResponders(deps, question, pair));
}

/** Judged anew, but for the nonce, which was that node's to compare. */
async function toldElsewhere(
  deps: ObtainingDeps,
  question: SourceQuestion,
  pair: Pair,
): Promise<SourceAnswer | undefined> {
  const source = sourceName(question.source);
  const found = await deps.db.query<OcspRow>(storedAnswer(pair.certificate.fingerprint, source)).catch(() => undefined);
  const row = found?.rows[0];
  if (row === undefined) return undefined;
  const judgement = judgeOcspResponse(
    row.response,
    pair,
    { ...defaultOcspRules, ...rulesOf(question), unmarkedDelegates: delegatesOf(deps, question) },
    question.at,
  );
  // Past half of its life a newer one may be had, and a moment's wait is better than an answer about to end.
  if (judgement.status.kind === 'unknown' || isTired(judgement, question.at)) return undefined;
  return { source, status: judgement.status };
}

function isTired({ status, validUntil }: OcspJudgement, at: Date): boolean {
  if (status.kind === 'unknown' || validUntil === undefined) return true;
  return at.getTime() > (status.thisUpdate.getTime() + validUntil.getTime()) / 2;
}

function delegatesOf({ delegateStatus }: ObtainingDeps, question: SourceQuestion): OcspRules['unmarkedDelegates'] {
  if (delegateStatus === undefined) return 'refuse';
  return (delegate) => delegateStatus(question, delegate);
}

async function askResponders(deps: ObtainingDeps, question: SourceQuestion, pair: Pair): Promise<SourceAnswer> {
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
  const unmarkedDelegates = delegatesOf(deps, question);
  const answer = await deps.client.ask({ ...pair, responders, unmarkedDelegates, issuerValidity }, at);
  const { status, responder, der } = answer;
  if (der !== undefined && status.kind !== 'unknown') await share(deps, question, pair, der, status);
  return { source: sourceName(source), status, ...(responder !== undefined && { basis: { url: responder } }) };
}

async function share(
  { db, complain }: ObtainingDeps,
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
  await db.query(storeAnswer(row)).catch((error) => complain(error, 'an OCSP answer was not shared'));
}
