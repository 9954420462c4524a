import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../fleet/task.ts';
import { exitCodes, failure } from './failure.ts';
import type { TaskAccess } from './task-access.ts';
import { faultLines } from './task-view.ts';

const between = 250;

/** States that a person need not wait behind. */
const resting = ['done', 'failed', 'cancelled', 'expired', 'unknown-outcome'];

/**
 * Waits until the task is over, with a line on standard error that says how it stands. Answers the task when it is
 * done; whatever else becomes of it, and a wait that is too long, is exit code 1, and the task stays what it is.
 */
export async function waitFor({ tasks }: TaskAccess, first: Task, within: number): Promise<Task> {
  const started = performance.now();
  const live = process.stderr.isTTY;
  let task = first;
  while (!resting.includes(task.state) && performance.now() - started < within) {
    if (live) process.stderr.write(`\r\x1b[2K${standing(task, performance.now() - started)}`);
    await sleep(between);
    task = (await tasks.get(task.deviceId, task.id)) ?? task;
  }
  if (live) process.stderr.write('\r\x1b[2K');
  if (task.state === 'done') return task;
  throw notDone(task, within);
}

function standing({ state, progress, request }: Task, milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const read = progress.read === undefined ? '' : `, ${progress.read} read`;
  const what = {
    queued: 'waits for the next session of the device',
    sent: 'is with the device',
    'in-progress': 'was accepted; the device will tell how it went',
  } as Readonly<Record<string, string>>;
  return `${request.kind} ${what[state] ?? state}${read} (${seconds} s)`;
}

function notDone(task: Task, within: number) {
  const see = `hems task show ${task.id}`;
  switch (task.state) {
    case 'failed':
      return failure(exitCodes.no, `failed: ${task.fault === null ? '' : faultLines(task.fault).join('\n')}`, see);
    case 'unknown-outcome':
      return failure(
        exitCodes.no,
        'nobody knows whether the device has carried it out',
        `the next session may tell: ${see}`,
      );
    case 'cancelled':
    case 'expired':
      return failure(exitCodes.no, `the task is ${task.state}`, see);
    default:
      return failure(
        exitCodes.no,
        `not done within ${Math.round(within / 1000)} s: the task is ${task.state}, and stays queued`,
        see,
      );
  }
}
