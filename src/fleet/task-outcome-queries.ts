import type { Query } from '../platform/postgres.ts';
import { strangersJson } from './strangers-text.ts';
import type { Task, TaskChange, TaskRequest } from './task.ts';
import { taskColumns } from './task-queries.ts';
import { shownRequest } from './task-secrets.ts';

/** Open tasks that a session before this one has had, with what the device said of their transfers since. */
export function openTasks(deviceId: string): Query {
  return {
    name: 'fleet_open_tasks',
    text: `select ${taskColumns} from tasks t
            where device_id = $1 and state in ('sent', 'in-progress', 'unknown-outcome') order by id`,
    values: [deviceId],
  };
}

const finalStates = `('done', 'failed', 'cancelled', 'expired')`;

/**
 * Takes the task on, if it is still as the change supposes, and fails what depends on it if it came to nothing.
 * `attempts` starts anew where a step brought it forward. `answered`: the device owes nothing any more, so its session is
 * no longer kept for other nodes. Answers whether something may be left to do for the device now; no row: it was not as
 * supposed.
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
           select state = 'queued' or exists (
                    select from tasks t where t.device_id = $1 and t.id <> $2
                       and (t.state = 'queued' and t.not_before <= $10 or t.state = 'unknown-outcome')) as waiting
             from changed`,
    values: [
      task.deviceId,
      task.id,
      task.state,
      change.state,
      change.notBefore ?? null,
      change.progress === undefined ? null : strangersJson(change.progress),
      change.result === undefined ? null : strangersJson(change.result),
      change.fault === undefined ? null : strangersJson(change.fault),
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
