import type { Query } from '../platform/postgres.ts';

/** Columns of one decision, wherever it is kept. Times in UTC; bytea as hex. */
export interface DecisionRow {
  readonly id: string;
  readonly at: Date;
  readonly recorded_at: Date;
  readonly outcome: 'admitted' | 'refused';
  readonly stage: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly peer: 'known' | 'trusted-chain' | 'stranger';
  readonly device_id: string | null;
  readonly connection_id: string;
  readonly listener: string;
  readonly remote_address: string | null;
  readonly remote_port: number;
  readonly tls_version: string | null;
  readonly cipher_suite: string | null;
  readonly resumed: boolean | null;
  readonly anchor: string | null;
  readonly identity: string | null;
  readonly fingerprint: string | null;
  readonly subject: string | null;
  readonly issuer: string | null;
  readonly serial_number: string | null;
}

export interface SummaryRow {
  readonly id: string;
  readonly minute: Date;
  readonly recorded_at: Date;
  readonly source: string | null;
  readonly peer: string;
  readonly reason: string;
  readonly suppressed: number;
  readonly sources: number;
}

const columns = `id, at, recorded_at, stage, reason, detail, peer, connection_id, listener,
  host(remote_address) as remote_address, remote_port, tls_version, cipher_suite, resumed, anchor,
  identity_value as identity, encode(fingerprint, 'hex') as fingerprint, subject, issuer, serial_number`;

/** Decisions recorded after `since`, oldest first, at most `limit` of the newest. */
export function decisionsSince(since: Date, limit: number): Query {
  return {
    name: 'trust_decisions_since',
    text: `
      select * from (
        (select ${columns}, outcome, device_id
           from admissions where recorded_at > $1 order by recorded_at desc, id desc limit $2)
        union all
        (select ${columns}, 'refused' as outcome, null::uuid as device_id
           from refusals where recorded_at > $1 order by recorded_at desc, id desc limit $2)
        order by recorded_at desc, id desc limit $2
      ) newest order by recorded_at, id`,
    values: [since, limit],
  };
}

/** Minutes in which decisions were counted and not written one by one, recorded after `since`, oldest first. */
export function summariesSince(since: Date, limit: number): Query {
  return {
    name: 'trust_summaries_since',
    text: `
      select id, minute, recorded_at, text(source) as source, peer, reason, suppressed, sources
        from refusal_summaries where recorded_at > $1 order by recorded_at, id limit $2`,
    values: [since, limit],
  };
}
