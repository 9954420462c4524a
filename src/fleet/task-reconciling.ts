import type { DuStateChangeComplete, TransferComplete } from '../cwmp/cpe-methods.ts';
import type { EventStruct } from '../cwmp/messages.ts';
import { keyOf, type Task, type TaskChange, taskOfKey } from './task.ts';
import { unanswered } from './task-answers.ts';
import { completionOf, openTasks, taskOfDevice } from './task-queries.ts';
import { recordTaskChange, type TaskRecordingDeps } from './task-recording.ts';
import { settledByDuStateChange, settledByInform, settledByTransfer } from './task-settling.ts';

/** A new session has begun: whatever an earlier one had under way, it will not be answered there any more. */
export async function settleOpenTasks(
  deps: TaskRecordingDeps,
  deviceId: string,
  events: readonly EventStruct[],
  at: Date,
): Promise<void> {
  const { rows } = await deps.db.query<Task>(openTasks(deviceId));
  for (const task of rows) {
    const change =
      settledByInform(task, events, at) ??
      (await toldBefore(deps, task, at)) ??
      (task.state === 'sent' ? unanswered(task, at) : undefined);
    if (change !== undefined) await recordTaskChange(deps, task, change, at);
  }
}

/** Its completion is on record, but not in the task: hems stopped between the two. */
async function toldBefore({ db }: TaskRecordingDeps, task: Task, at: Date): Promise<TaskChange | undefined> {
  if (!['download', 'upload', 'schedule-download'].includes(task.request.kind)) return undefined;
  const { rows } = await db.query<TransferComplete['faultStruct'] & { startTime: string; completeTime: string }>(
    completionOf(task.deviceId, keyOf(task.id, task.attempts)),
  );
  const [told] = rows;
  if (told === undefined) return undefined;
  const { faultCode, faultString, startTime, completeTime } = told;
  return settledByTransfer(
    task,
    task.attempts,
    { faultStruct: { faultCode, faultString }, startTime, completeTime },
    at,
  );
}

async function named({ db }: TaskRecordingDeps, deviceId: string, commandKey: string) {
  const key = taskOfKey(commandKey);
  if (key === undefined) return undefined;
  const { rows } = await db.query<Task>(taskOfDevice(deviceId, key.taskId));
  const [task] = rows;
  const isOpen = task !== undefined && ['sent', 'in-progress', 'unknown-outcome'].includes(task.state);
  return isOpen ? { task, attempt: key.attempt } : undefined;
}

/** A TransferComplete that names no open task of ours is answered all the same, and kept. */
export async function settleTransfer(
  deps: TaskRecordingDeps,
  deviceId: string,
  transfer: TransferComplete,
  at: Date,
): Promise<void> {
  const found = await named(deps, deviceId, transfer.commandKey);
  const change = found && settledByTransfer(found.task, found.attempt, transfer, at);
  if (found !== undefined && change !== undefined) await recordTaskChange(deps, found.task, change, at);
}

export async function settleDuStateChange(
  deps: TaskRecordingDeps,
  deviceId: string,
  told: DuStateChangeComplete,
  at: Date,
): Promise<void> {
  const found = await named(deps, deviceId, told.commandKey);
  const change = found && settledByDuStateChange(found.task, found.attempt, told);
  if (found !== undefined && change !== undefined) await recordTaskChange(deps, found.task, change, at);
}
