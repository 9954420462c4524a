import type { Query } from '../platform/postgres.ts';
import type { Actor } from './changes.ts';
import { reasonOf } from './register-moves-queries.ts';
import { strangersText } from './strangers-text.ts';
import type { TaskRequest } from './task.ts';

export interface ManyTasks {
  readonly deviceIds: readonly string[];
  /** One for each device. */
  readonly ids: readonly string[];
  readonly request: TaskRequest;
  readonly priority: number;
  readonly notBefore: Date;
  readonly expiresAt: Date | undefined;
  /** Of each device: asked for twice, it is one task. */
  readonly idempotencyKey: string;
  readonly actor: Actor;
  readonly reason: string | undefined;
  readonly at: Date;
  /** Open tasks that a device may have. */
  readonly most: number;
}

/** The same task for each of the devices with its audit row, in one statement; answers how many were made. */
export function insertTasks(many: ManyTasks): Query {
  return {
    name: 'fleet_insert_tasks',
    text: `with made as (
             insert into tasks (device_id, id, kind, request, state, priority, not_before, expires_at, idempotency_key,
                                origin_kind, origin, created_at)
             select r.device_id, r.id, $3, $4::jsonb, 'queued', $5::smallint, $6, $7, $8, $9::text, $10::text, $11::timestamptz
               from unnest($1::uuid[], $2::uuid[]) as r (device_id, id)
               join devices d on d.id = r.device_id and d.state <> 'retired'
              where (select count(*) from (select from tasks o where o.device_id = r.device_id
                        and o.state in ('queued', 'sent', 'in-progress', 'unknown-outcome') limit $13) open) < $13
             on conflict (device_id, idempotency_key) where idempotency_key is not null do nothing
             returning device_id, id
           ), noted as (
             insert into changes (device_id, at, id, actor_kind, actor, action, after, reason)
             select device_id, $11::timestamptz, uuid_v7($11::timestamptz), $9::text, $10::text, 'queue_task',
                    jsonb_build_object('task', id, 'kind', $3::text), $12
               from made order by device_id
           )
           select count(*)::int as count from made`,
    values: [
      many.deviceIds,
      many.ids,
      many.request.kind,
      JSON.stringify(many.request),
      many.priority,
      many.notBefore,
      many.expiresAt ?? null,
      many.idempotencyKey,
      many.actor.kind,
      strangersText(many.actor.name, 512),
      many.at,
      reasonOf({ actor: many.actor, ...(many.reason !== undefined && { reason: many.reason }) }),
      many.most,
    ],
  };
}
