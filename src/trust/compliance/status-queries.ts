import type { Query } from '../../platform/postgres.ts';

export interface RefusalCountRow {
  readonly peer: 'known' | 'trusted-chain' | 'stranger';
  readonly reason: string;
  readonly refusals: number;
  /** Distinct devices; null where there are none. */
  readonly devices: number | null;
}

/** Refusals since, by whom and why; those that were only counted are in it. */
export function refusalCounts(since: Date): Query {
  return {
    text: `
select peer, reason, sum(refusals)::bigint as refusals, max(devices)::bigint as devices
  from (select 'known' as peer, reason, count(*) as refusals, count(distinct device_id) as devices
          from admissions where outcome = 'refused' and at >= $1 group by reason
        union all
        select peer, reason, count(*), null from refusals where at >= $1 group by peer, reason
        union all
        select peer, reason, sum(suppressed), null from refusal_summaries where minute >= $1 group by peer, reason) counted
 group by peer, reason
 order by peer, refusals desc, reason`,
    values: [since],
  };
}

export interface FetchStateRow {
  readonly url: string;
  readonly anchor: string;
  readonly outcome: string | null;
  readonly failures: number;
  readonly attemptedAt: Date | null;
  readonly fetchedAt: Date | null;
  readonly nextAt: Date;
}

/** Where CRLs are fetched, the worst first. */
export function fetchStatesShown(limit: number): Query {
  return {
    text: `select url, anchor, outcome, failures, attempted_at as "attemptedAt", fetched_at as "fetchedAt",
                  next_at as "nextAt"
             from crl_fetches order by failures desc, url limit $1`,
    values: [limit],
  };
}
