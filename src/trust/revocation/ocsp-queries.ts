import type { Query } from '../../platform/postgres.ts';

export interface OcspRow {
  response: Buffer;
  fetched_at: Date;
}

export function storedAnswer(certificate: string, source: string): Query {
  return {
    name: 'trust_ocsp_answer',
    text: `select response, fetched_at from ocsp_answers where certificate = decode($1, 'hex') and source = $2`,
    values: [certificate, source],
  };
}

export interface StoredRow {
  certificate: string;
  source: string;
  response: Buffer;
}

export function storedAnswersOf(certificates: readonly string[]): Query {
  return {
    text: `select encode(certificate, 'hex') as certificate, source, response from ocsp_answers
            where certificate in (select decode(f, 'hex') from unnest($1::text[]) as f)`,
    values: [certificates],
  };
}

/** An older answer never takes the place of a newer one. */
export function storeAnswer(row: {
  readonly certificate: string;
  readonly source: string;
  readonly response: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly at: Date;
}): Query {
  return {
    name: 'trust_store_ocsp_answer',
    text: `insert into ocsp_answers as a (certificate, source, response, this_update, next_update, fetched_at)
           values (decode($1, 'hex'), $2, $3, $4, $5, $6)
           on conflict (certificate, source) do update set response = excluded.response,
             this_update = excluded.this_update, next_update = excluded.next_update, fetched_at = excluded.fetched_at
            where a.this_update <= excluded.this_update`,
    values: [row.certificate, row.source, row.response, row.thisUpdate, row.nextUpdate ?? null, row.at],
  };
}

/** Of certificates that nobody showed for long. */
export function dropOldAnswers(before: Date): Query {
  return { text: 'delete from ocsp_answers where fetched_at < $1', values: [before] };
}
