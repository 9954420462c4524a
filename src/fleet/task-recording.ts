import type { EventBus } from '../platform/events.ts';
import type { Database } from '../platform/postgres.ts';
import type { Task, TaskChange } from './task.ts';
import { changeTask } from './task-outcome-queries.ts';

export interface TaskRecordingDeps {
  readonly db: Database;
  readonly events?: EventBus;
}

/** Takes a task on and tells of it; false: the task is no longer as the caller saw it, and nothing was changed. */
export async function recordTaskChange(
  { db, events }: TaskRecordingDeps,
  task: Task,
  change: TaskChange,
  at: Date,
  answered = false,
): Promise<boolean> {
  // A step that brought the task forward is no attempt that failed.
  const forward = change.state === 'queued' && change.progress !== undefined && task.state !== 'unknown-outcome';
  const fault = change.fault ?? (change.state === 'queued' || change.state === 'unknown-outcome' ? task.fault : null);
  const whole = { ...change, ...(fault !== null && { fault }) };
  const { count } = await db.query(changeTask(task, whole, forward ? 0 : task.attempts, at, answered));
  if (count === 0) return false;
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
  return true;
}
