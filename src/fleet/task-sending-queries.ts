import type { Query } from '../platform/postgres.ts';
import type { KeptSession } from './session-archive.ts';
import type { Task } from './task.ts';
import { taskColumns } from './task-queries.ts';

/**
 * The next task of a device: an outcome that may be settled, or the first in the queue whose time has come. While the
 * device owes a restart nothing else is sent: it would be lost, or undone.
 */
export function nextTask(deviceId: string, sessionId: string, mostChecks: number, at: Date): Query {
  return {
    name: 'fleet_next_task',
    text: `select ${taskColumns} from tasks t
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
