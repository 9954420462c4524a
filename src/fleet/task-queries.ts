import type { Query } from '../platform/postgres.ts';
import type { Actor } from './changes.ts';
import { strangersText } from './strangers-text.ts';
import type { Task, TaskChange, TaskRequest } from './task.ts';
import { shownRequest } from './task-secrets.ts';

export const columns = `t.device_id as "deviceId", t.id, t.request, t.state, t.priority, t.not_before as "notBefore",
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
           returning ${columns}`,
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
    text: `select ${columns} from tasks t where device_id = $1 and idempotency_key = $2`,
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
    text: `select ${columns} from tasks t where device_id = $1 and id = $2`,
    values: [deviceId, id],
  };
}

/** By id alone, for people; a beginning of it will do. */
export function taskById(id: string): Query {
  return {
    text: `select ${columns} from tasks t where id between $1::uuid and $2::uuid order by id limit 2`,
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
  return { text: `select ${columns} from tasks t ${where} order by t.id desc limit $1`, values };
}

/** Open tasks that a session before this one has had, with what the device said of their transfers since. */
export function openTasks(deviceId: string): Query {
  return {
    name: 'fleet_open_tasks',
    text: `select ${columns} from tasks t
            where device_id = $1 and state in ('sent', 'in-progress', 'unknown-outcome') order by id`,
    values: [deviceId],
  };
}

/**
 * The next task of a device: an outcome that may be settled, or the first in the queue whose time has come. While the
 * device owes a restart nothing else is sent: it would be lost, or undone.
 */
export function nextTask(deviceId: string, sessionId: string, mostChecks: number, at: Date): Query {
  return {
    name: 'fleet_next_task',
    text: `select ${columns} from tasks t
            where t.device_id = $1
              and ((t.state = 'queued' and t.not_before <= $2 and (t.expires_at is null or t.expires_at > $2)
                    and (t.depends_on is null or exists (
                      select from tasks d where d.device_id = $1 and d.id = t.depends_on and d.state = 'done')))
                or (t.state = 'unknown-outcome' and t.session_id is distinct from $3
                    and coalesce((t.progress ->> 'checks')::int, 0) < $4))
              and not exists (select from tasks r where r.device_id = $1 and r.state = 'in-progress'
                                 and r.kind in ('reboot', 'factory-reset'))
            order by t.state = 'unknown-outcome' desc, t.priority desc, t.id limit 1`,
    values: [deviceId, at, sessionId, mostChecks],
  };
}

/** A session that may go on elsewhere, kept in the statement that says what it waits for. */
export interface KeptSession {
  readonly cookie: Buffer;
  readonly fingerprint: string;
  readonly session: unknown;
  readonly expiresAt: Date;
}

/** Before the request leaves. Changes nothing if the task is not as it was, e.g. cancelled meanwhile. */
export function markSent(task: Task, step: string, sessionId: string, at: Date, kept: KeptSession): Query {
  return {
    name: 'fleet_mark_task_sent',
    text: `with marked as (
             update tasks set state = case when state = 'queued' then 'sent' else state end, step = $4,
                    attempts = attempts + case when $4 = 'settle' then 0 else 1 end,
                    sent_at = case when $4 = 'settle' then sent_at else $5 end, session_id = $6
              where device_id = $1 and id = $2 and state = $3 and attempts = $7
             returning device_id
           ), kept as (
             insert into cwmp_sessions (device_id, cookie, fingerprint, session, expires_at)
             select device_id, $8::bytea, $9::bytea, $10::jsonb, $11::timestamptz from marked
             on conflict (device_id) do update set cookie = excluded.cookie, fingerprint = excluded.fingerprint,
                    session = excluded.session, expires_at = excluded.expires_at
           )
           select 1 from marked`,
    values: [
      task.deviceId,
      task.id,
      task.state,
      step,
      at,
      sessionId,
      task.attempts,
      kept.cookie,
      Buffer.from(kept.fingerprint, 'hex'),
      JSON.stringify(kept.session),
      kept.expiresAt,
    ],
  };
}

const finalStates = `('done', 'failed', 'cancelled', 'expired')`;

/**
 * Takes the task on, if it is still as the change supposes, and fails what depends on it if it came to nothing.
 * `attempts` starts anew where a step brought it forward. `answered`: the device owes nothing any more, so its session is
 * no longer kept for other nodes.
 */
export function changeTask(task: Task, change: TaskChange, attempts: number, at: Date, answered = false): Query {
  const final = ['done', 'failed', 'cancelled', 'expired'].includes(change.state);
  return {
    name: 'fleet_change_task',
    text: `with recursive changed as (
             update tasks set state = $4, not_before = coalesce($5, not_before), progress = coalesce($6, progress),
                    result = $7, fault = $8, attempts = $9, step = null,
                    finished_at = case when $4 in ${finalStates} then $10::timestamptz end,
                    request = coalesce($12, request)
              where device_id = $1 and id = $2 and state = $3 and attempts = $11
             returning device_id, id, state
           ), doomed as (
             select t.device_id, t.id from tasks t, changed c
              where c.state in ('failed', 'cancelled', 'expired')
                and t.device_id = $1 and t.depends_on = c.id and t.state = 'queued'
             union
             select t.device_id, t.id from tasks t, doomed d
              where t.device_id = $1 and t.depends_on = d.id and t.state = 'queued'
           ), failed as (
             update tasks t set state = 'failed', finished_at = $10,
                    fault = jsonb_build_object('cause', 'dependency', 'message', 'task ' || $2 || ' came to nothing')
               from doomed d where t.device_id = $1 and t.id = d.id
           ), released as (
             delete from cwmp_sessions where $13::boolean and device_id = $1
           )
           select 1 from changed`,
    values: [
      task.deviceId,
      task.id,
      task.state,
      change.state,
      change.notBefore ?? null,
      change.progress === undefined ? null : JSON.stringify(change.progress),
      change.result === undefined ? null : JSON.stringify(change.result),
      change.fault === undefined ? null : JSON.stringify(change.fault),
      attempts,
      at,
      task.attempts,
      final ? maskedRequest(task.request) : null,
      answered,
    ],
  };
}

/** What is secret in a wish has served its purpose once the task is over. */
function maskedRequest(request: TaskRequest): string | null {
  if (request.kind !== 'write-values') return null;
  const shown = JSON.stringify(shownRequest(request));
  return shown === JSON.stringify(request) ? null : shown;
}

export function withdrawNotifications(deviceId: string, at: Date): Query {
  return {
    name: 'fleet_withdraw_notifications',
    text: `update tasks set state = 'cancelled', finished_at = $2
            where device_id = $1 and state = 'queued' and origin_kind = 'policy' and origin = 'notifications'`,
    values: [deviceId, at],
  };
}

/** The last completion told for a CommandKey, for an outcome that was told while the task could not be reached. */
export function completionOf(deviceId: string, commandKey: string): Query {
  return {
    name: 'fleet_completion_of',
    text: `select fault_code as "faultCode", fault_string as "faultString", start_time as "startTime",
                  complete_time as "completeTime"
             from transfer_completions where device_id = $1 and lower(command_key) = $2
            order by last_said_at desc limit 1`,
    values: [deviceId, commandKey],
  };
}
