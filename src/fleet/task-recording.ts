import type { EventBus } from '../platform/events.ts';
import type { Database } from '../platform/postgres.ts';
import type { Task, TaskChange } from './task.ts';
import { changeTask } from './task-outcome-queries.ts';

export interface TaskRecordingDeps {
  readonly db: Database;
  readonly events?: EventBus;
}

export interface RecordedChange {
  /** Another task may be waiting for the device, or this one again. */
  readonly waiting: boolean;
}

/** Takes a task on and tells of it; undefined: it is no longer as the caller saw it, and nothing was changed. */
export async function recordTaskChange(
  { db, events }: TaskRecordingDeps,
  task: Task,
  change: TaskChange,
  at: Date,
  answered = false,
): Promise<RecordedChange | undefined> {
  // A step that brought the task forward is no attempt that failed.
  const forward = change.state === 'queued' && change.progress !== undefined && task.state !== 'unknown-outcome';
  const fault = change.fault ?? (change.state === 'queued' || change.state === 'unknown-outcome' ? task.fault : null);
  const whole = { ...change, ...(fault !== null && { fault }) };
  const query = changeTask(task, whole, forward ? 0 : task.attempts, at, answered);
  const [recorded] = (await db.query<RecordedChange>(query)).rows;
  if (recorded === undefined) return undefined;
  const { state } = change;
  if (state === 'done' || state === 'failed' || state === 'in-progress' || state === 'unknown-outcome')
    events?.publish({
      kind: 'task',
      at,
      deviceId: task.deviceId,
      taskId: task.id,
      task: task.request.kind,
      state,
      ...(change.fault !== undefined && { fault: change.fault }),
    });
  return recorded;
}
