import type { Queryable } from '../../platform/postgres.ts';
import { defaultOcspRules, judgeOcspResponse } from '../../x509/ocsp-judgement.ts';
import { sourceName } from '../revocation-policy.ts';
import type { SourceAnswer } from '../verdict.ts';
import { dropOldAnswers, type StoredRow, storedAnswersOf } from './ocsp-queries.ts';
import { noPointer, pairOf, rulesOf, urlsOf } from './ocsp-question.ts';
import type { SourceQuestion } from './statuses.ts';

/** Answers that some node was given, judged anew; nobody is asked. */
export interface StoredAnswers {
  /** Undefined: it would have to be asked. */
  find(question: SourceQuestion): SourceAnswer | undefined;
}

export async function storedAnswers(db: Queryable, certificates: readonly string[]): Promise<StoredAnswers> {
  const { rows } = await db.query<StoredRow>(storedAnswersOf(certificates));
  const known = new Map(rows.map(({ certificate, source, response }) => [`${certificate} ${source}`, response]));
  return {
    find: (question) => {
      const pair = pairOf(question);
      if (pair === undefined || urlsOf(question.source, pair.certificate).length === 0) return noPointer(question);
      const source = sourceName(question.source);
      const response = known.get(`${pair.certificate.fingerprint} ${source}`);
      if (response === undefined) return undefined;
      const rules = { ...defaultOcspRules, ...rulesOf(question) };
      const { status } = judgeOcspResponse(response, pair, rules, question.at);
      // One past its time would be asked for anew.
      return status.kind === 'unknown' ? undefined : { source, status };
    },
  };
}

/** An answer is asked for anew while its certificate is shown: one so old is about a certificate that nobody shows. */
const keptFor = 30 * 24 * 3_600_000;

export async function forgetOldAnswers(db: Queryable, at: Date): Promise<void> {
  await db.query(dropOldAnswers(new Date(at.getTime() - keptFor)));
}
