import type { Query } from '../platform/postgres.ts';
import type { Actor } from './changes.ts';
import { strangersText } from './strangers-text.ts';
import type { TaskRequest } from './task.ts';

export const taskColumns = `t.device_id as "deviceId", t.id, t.request, t.state, t.priority, t.not_before as "notBefore",
  t.expires_at as "expiresAt", t.depends_on as "dependsOn", t.idempotency_key as "idempotencyKey",
  jsonb_build_object('kind', t.origin_kind, 'name', t.origin) as origin, t.created_at as "createdAt", t.step,
  t.attempts, t.sent_at as "sentAt", t.session_id as "sessionId", t.progress, t.result, t.fault,
  t.finished_at as "finishedAt"`;

const open = `('queued', 'sent', 'in-progress', 'unknown-outcome')`;

export interface NewTask {
  readonly deviceId: string;
  readonly id: string;
  readonly request: TaskRequest;
  readonly priority: number;
  readonly notBefore: Date;
  readonly expiresAt?: Date | undefined;
  readonly dependsOn?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly origin: Actor;
  readonly at: Date;
}

/** Answers no row where the idempotency key is taken. */
export function insertTask(task: NewTask): Query {
  return {
    name: 'fleet_insert_task',
    text: `insert into tasks as t (device_id, id, kind, request, state, priority, not_before, expires_at, depends_on,
                                   idempotency_key, origin_kind, origin, created_at)
           values ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9, $10, $11, $12)
           on conflict (device_id, idempotency_key) where idempotency_key is not null do nothing
           returning ${taskColumns}`,
    values: [
      task.deviceId,
      task.id,
      task.request.kind,
      JSON.stringify(task.request),
      task.priority,
      task.notBefore,
      task.expiresAt ?? null,
      task.dependsOn ?? null,
      task.idempotencyKey ?? null,
      task.origin.kind,
      strangersText(task.origin.name, 512),
      task.at,
    ],
  };
}

export function identitiesUnder(deviceId: string, anchors: readonly string[]): Query {
  return {
    text: 'select 1 from device_identities where device_id = $1 and anchor = any($2) limit 1',
    values: [deviceId, anchors],
  };
}

export function taskByKey(deviceId: string, idempotencyKey: string): Query {
  return {
    text: `select ${taskColumns} from tasks t where device_id = $1 and idempotency_key = $2`,
    values: [deviceId, idempotencyKey],
  };
}

export function openTaskCount(deviceId: string): Query {
  return {
    text: `select count(*)::int as count from tasks where device_id = $1 and state in ${open}`,
    values: [deviceId],
  };
}

export function taskOfDevice(deviceId: string, id: string): Query {
  return {
    name: 'fleet_task',
    text: `select ${taskColumns} from tasks t where device_id = $1 and id = $2`,
    values: [deviceId, id],
  };
}

/** By id alone, for people; a beginning of it will do. */
export function taskById(id: string): Query {
  return {
    text: `select ${taskColumns} from tasks t where id between $1::uuid and $2::uuid order by id limit 2`,
    values: [id.padEnd(32, '0'), id.padEnd(32, 'f')],
  };
}

export interface TaskFilter {
  readonly deviceId?: string | undefined;
  readonly state?: string | undefined;
  /** Those made before the task with this id. */
  readonly before?: string | undefined;
}

export function listTasks({ deviceId, state, before }: TaskFilter, limit: number): Query {
  const values: unknown[] = [limit];
  const conditions = [
    ...(deviceId === undefined ? [] : [`t.device_id = $${values.push(deviceId)}`]),
    ...(state === undefined ? [] : [`t.state = $${values.push(state)}`]),
    ...(before === undefined ? [] : [`t.id < $${values.push(before)}`]),
  ];
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  return { text: `select ${taskColumns} from tasks t ${where} order by t.id desc limit $1`, values };
}

export function withdrawNotifications(deviceId: string, at: Date): Query {
  return {
    name: 'fleet_withdraw_notifications',
    text: `update tasks set state = 'cancelled', finished_at = $2
            where device_id = $1 and state = 'queued' and origin_kind = 'policy' and origin = 'notifications'`,
    values: [deviceId, at],
  };
}
