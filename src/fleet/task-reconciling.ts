import type { DuStateChangeComplete, TransferComplete } from '../cwmp/cpe-methods.ts';
import type { EventStruct } from '../cwmp/messages.ts';
import { evidenceOfTask } from './files/device-transfer-queries.ts';
import { keyOf, type Task, type TaskChange, taskOfKey } from './task.ts';
import { unanswered } from './task-answers.ts';
import { completionOf, openTasks } from './task-outcome-queries.ts';
import { taskOfDevice } from './task-queries.ts';
import { recordTaskChange, type TaskRecordingDeps } from './task-recording.ts';
import {
  settledByDuStateChange,
  settledByEvidence,
  settledByInform,
  settledByTransfer,
  type TransferEvidence,
} from './task-settling.ts';

/**
 * A new session has begun: whatever an earlier one had under way, it will not be answered there any more. Answers
 * whether a transfer turned out to be done.
 */
export async function settleOpenTasks(
  deps: TaskRecordingDeps,
  deviceId: string,
  events: readonly EventStruct[],
  at: Date,
): Promise<boolean> {
  let transferDone = false;
  const { rows } = await deps.db.query<Task>(openTasks(deviceId));
  for (const task of rows) {
    const byInform = settledByInform(task, events, at);
    const isKnown = byInform !== undefined && byInform.state !== 'unknown-outcome';
    const change = isKnown
      ? byInform
      : ((await toldBefore(deps, task, at)) ??
        (await seen(deps, task, byInform !== undefined)) ??
        byInform ??
        (task.state === 'sent' ? unanswered(task, at) : undefined));
    if (change === undefined) continue;
    await recordTaskChange(deps, task, change, at);
    transferDone ||= change.state === 'done' && transferKinds.includes(task.request.kind);
  }
  return transferDone;
}

/** Its completion is on record, but not in the task: hems stopped between the two. */
async function toldBefore({ db }: TaskRecordingDeps, task: Task, at: Date): Promise<TaskChange | undefined> {
  if (!transferKinds.includes(task.request.kind)) return undefined;
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

const transferKinds: readonly string[] = ['download', 'upload', 'schedule-download'];

async function seen({ db }: TaskRecordingDeps, task: Task, isLost: boolean): Promise<TaskChange | undefined> {
  if (!transferKinds.includes(task.request.kind) || (task.state === 'in-progress' && !isLost)) return undefined;
  const { rows } = await db.query<TransferEvidence>(evidenceOfTask(task.deviceId, task.id));
  return rows[0] && settledByEvidence(task, rows[0]);
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

/** TR-069 A.4.1.8: what was cancelled is not told of any more. */
export async function settleCancelled(
  deps: TaskRecordingDeps,
  deviceId: string,
  commandKey: string,
  at: Date,
): Promise<void> {
  const found = await named(deps, deviceId, commandKey);
  if (found === undefined || found.attempt !== found.task.attempts) return;
  await recordTaskChange(deps, found.task, { state: 'cancelled', result: { settledBy: 'CancelTransfer' } }, at);
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
