import type { Query } from './postgres.ts';
import type { RequestKey, SettledAnswer } from './idempotency.ts';

/** Answers a row where it is ours now: it is new, it is over its day, or whoever worked on the same was lost. */
export function claimKey(of: RequestKey, claim: string, leaseMs: number, at: Date, oldest: Date): Query {
  const { caller, operation, key, request } = of;
  return {
    name: 'platform_claim_key',
    text: `insert into idempotency_keys as k (caller, operation, key, request, claim, claimed_until, created_at)
           values ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 ms', $7)
           on conflict (caller, operation, key) do update
              set request = excluded.request, content = null, content_length = null, claim = excluded.claim,
                  claimed_until = excluded.claimed_until, status = null, headers = null, answer = null,
                  created_at = excluded.created_at
            where (k.claimed_until is null and k.created_at < $8)
               or (k.claimed_until < clock_timestamp() and (k.request = excluded.request or k.created_at < $8))
           returning claim`,
    values: [caller, operation, key, request, claim, leaseMs, at, oldest],
  };
}

export function keptKey({ caller, operation, key, request }: RequestKey): Query {
  return {
    name: 'platform_kept_key',
    text: `select request = $4 as same, status, headers, answer::text as answer, content,
                  content_length as "contentLength", claim,
                  ceil(extract(epoch from claimed_until - clock_timestamp()))::int as seconds
             from idempotency_keys where caller = $1 and operation = $2 and key = $3`,
    values: [caller, operation, key, request],
  };
}

export function renewClaim(claim: string, leaseMs: number): Query {
  return {
    name: 'platform_renew_claim',
    text: `update idempotency_keys set claimed_until = clock_timestamp() + $2 * interval '1 ms'
            where claim = $1 and claimed_until is not null`,
    values: [claim, leaseMs],
  };
}

/** Changes nothing where somebody else took it over meanwhile. */
export function settleClaim(claim: string, { status, headers, answer, content }: SettledAnswer): Query {
  return {
    name: 'platform_settle_claim',
    text: `update idempotency_keys set claimed_until = null, status = $2, headers = $3, answer = $4, content = $5,
                  content_length = $6 where claim = $1 and claimed_until is not null`,
    values: [claim, status, JSON.stringify(headers), answer ?? null, content?.digest ?? null, content?.length ?? null],
  };
}

/** Nothing came of it: the key is free. */
export function releaseClaim(claim: string): Query {
  return {
    name: 'platform_release_claim',
    text: 'delete from idempotency_keys where claim = $1 and claimed_until is not null',
    values: [claim],
  };
}

/** Those from before, and of each caller the oldest beyond so many. */
export function forgetKeys(before: Date, mostOfCaller: number): readonly Query[] {
  return [
    {
      text: `delete from idempotency_keys where created_at < $1
                and (claimed_until is null or claimed_until < clock_timestamp())`,
      values: [before],
    },
    {
      text: `delete from idempotency_keys k
              using (select caller, operation, key,
                            row_number() over (partition by caller order by created_at desc, operation, key) as place
                       from idempotency_keys where claimed_until is null) old
              where old.place > $1 and (k.caller, k.operation, k.key) = (old.caller, old.operation, old.key)`,
      values: [mostOfCaller],
    },
  ];
}
