import type { Query } from '../platform/postgres.ts';

/** Tasks that wait and may be done twice go to another device, under their own ids; a key that it has already is dropped. */
export function moveQueuedTasks(from: string, to: string, kinds: readonly string[]): Query {
  return {
    text: `with moved as (
             delete from tasks where device_id = $1 and state = 'queued' and kind <> all($3) and depends_on is null
               and (expires_at is null or expires_at > now())
             returning *
           )
           insert into tasks (device_id, id, kind, request, state, priority, not_before, expires_at, idempotency_key,
                              origin_kind, origin, created_at, progress)
           select $2, id, kind, request, 'queued', priority, not_before, expires_at, idempotency_key, origin_kind, origin,
                  created_at, '{}'
             from moved
           on conflict do nothing`,
    values: [from, to, kinds],
  };
}
