import type { CpeResponse } from '../cwmp/acs-methods.ts';
import type { DuStateChangeComplete, TransferComplete } from '../cwmp/cpe-methods.ts';
import type { EventStruct } from '../cwmp/messages.ts';
import { keyOf, type Task, type TaskChange, type TaskFault } from './task.ts';
import { later, mostAttempts, retryOf } from './task-retry.ts';

/*
 * What settles a task whose outcome is not known, or not yet: what the device tells of itself, or what is read from it.
 * Nothing here makes a request that may have been carried out go out once more.
 */

/** A device that was told to reboot may take so long for it; before that its silence says nothing. */
const settlingSeconds = 300;

export function stillUnknown({ progress, fault }: Task): TaskChange {
  return {
    state: 'unknown-outcome',
    progress: { ...progress, checks: (progress.checks ?? 0) + 1 },
    ...(fault !== null && { fault }),
  };
}

function keyMatches(task: Task, commandKey: string): boolean {
  // Some devices change the case of what they are given.
  return task.attempts > 0 && commandKey.toLowerCase() === keyOf(task.id, task.attempts);
}

/** What the events of an Inform, of a session after the request, say of a task; undefined: nothing. */
export function settledByInform(task: Task, events: readonly EventStruct[], at: Date): TaskChange | undefined {
  const has = (code: string): boolean => events.some(({ eventCode }) => eventCode === code);
  const named = (code: string): boolean =>
    events.some(({ eventCode, commandKey }) => eventCode === code && keyMatches(task, commandKey));
  const done = (settledBy: string): TaskChange => ({ state: 'done', result: { settledBy } });
  const settled = task.sentAt !== null && at.getTime() - task.sentAt.getTime() > settlingSeconds * 1000;
  switch (task.request.kind) {
    case 'reboot':
      if (named('M Reboot')) return done('M Reboot');
      // It has started anew since it was asked to, whatever for; a second reboot would serve nobody.
      if (has('1 BOOT')) return done('1 BOOT');
      return settled && task.state === 'in-progress' ? { state: 'unknown-outcome' } : undefined;
    case 'factory-reset':
      // TR-069 3.7.1.5: the one event that is never lost.
      if (has('0 BOOTSTRAP')) return done('0 BOOTSTRAP');
      return settled ? notCarriedOut('the device came back without 0 BOOTSTRAP') : undefined;
    case 'download':
    case 'upload':
    case 'schedule-download':
      return overdue(task, has('1 BOOT') && !named(transferEvents[task.request.kind]), at);
    default:
      return undefined;
  }
}

const transferEvents = { download: 'M Download', upload: 'M Upload', 'schedule-download': 'M ScheduleDownload' };

/** After its delay or its last window a transfer may take so long; then it is asked about. */
const transferSeconds = 24 * 3600;

/** A restart may have lost it, and so may time: nobody knows until the device is asked, or tells. */
function overdue(task: Task, restarted: boolean, at: Date): TaskChange | undefined {
  const { state, sentAt, request } = task;
  if (state !== 'in-progress' || sentAt === null) return undefined;
  const start =
    request.kind === 'schedule-download'
      ? Math.max(...request.windows.map(({ windowEnd }) => windowEnd))
      : 'delaySeconds' in request
        ? (request.delaySeconds ?? 0)
        : 0;
  const late = at.getTime() - sentAt.getTime() > (start + transferSeconds) * 1000;
  return restarted || late ? { state: 'unknown-outcome' } : undefined;
}

/** What the file door and the Informs have seen of a transfer whose outcome the device has not told. */
export interface TransferEvidence {
  readonly direction: 'download' | 'upload';
  readonly startedAt: Date | null;
  readonly uploadId: string | null;
  /** The last Inform shows the version of the file, which went out whole before it. */
  readonly runs: boolean;
}

export function settledByEvidence(
  task: Task,
  { direction, startedAt, uploadId, runs }: TransferEvidence,
): TaskChange | undefined {
  if (direction === 'upload' && uploadId !== null) return { state: 'done', result: { settledBy: 'the file received' } };
  if (direction === 'download' && runs) return { state: 'done', result: { settledBy: 'SoftwareVersion' } };
  // The answer was lost, but the device does as it was asked: TransferComplete will tell.
  return task.state === 'sent' && startedAt !== null ? { state: 'in-progress' } : undefined;
}

function notCarriedOut(message: string): TaskChange {
  return { state: 'failed', fault: { cause: 'not-carried-out', message } };
}

/** TR-069 A.3.3.2: the outcome of a transfer, told until we have answered. */
export function settledByTransfer(
  task: Task,
  attempt: number,
  { faultStruct, startTime, completeTime }: Omit<TransferComplete, 'method' | 'commandKey'>,
  at: Date,
): TaskChange | undefined {
  // Of an earlier attempt: what became of that one is known already.
  if (attempt !== task.attempts) return undefined;
  if (faultStruct.faultCode === 0)
    return { state: 'done', result: { settledBy: 'TransferComplete', startTime, completeTime } };
  const fault: TaskFault = {
    cause: 'transfer',
    code: faultStruct.faultCode,
    message: faultStruct.faultString.slice(0, 1024),
  };
  const retry = retryOf(faultStruct.faultCode, task.attempts);
  // The device itself says that it has not been done: to ask again repeats nothing.
  return retry.kind === 'again'
    ? { state: 'queued', notBefore: later(at, retry.afterSeconds), fault }
    : { state: 'failed', fault };
}

/** TR-069 A.4.2.3. */
export function settledByDuStateChange(
  task: Task,
  attempt: number,
  { results }: Pick<DuStateChangeComplete, 'results'>,
): TaskChange | undefined {
  if (attempt !== task.attempts) return undefined;
  const told = results.slice(0, 16);
  const bad = told.find(({ fault }) => fault.faultCode !== 0);
  if (bad === undefined) return { state: 'done', result: { settledBy: 'DUStateChangeComplete', results: told } };
  const fault: TaskFault = {
    cause: 'transfer',
    code: bad.fault.faultCode,
    message: bad.fault.faultString.slice(0, 1024),
  };
  return { state: 'failed', fault, result: { results: told } };
}

/** What the device answered when it was asked for signs of a request whose answer was lost. */
export function settledByRead(task: Task, response: CpeResponse, at: Date): TaskChange {
  switch (response.method) {
    case 'GetParameterValuesResponse':
      return rebooted(task, response.parameterList[0]?.value, at) ?? stillUnknown(task);
    case 'GetParameterNamesResponse':
      return added(
        task,
        response.parameterList.map(({ name }) => name),
        at,
      );
    case 'GetQueuedTransfersResponse':
    case 'GetAllQueuedTransfersResponse':
      // Listed, it is under way, and TransferComplete will tell; not listed, it may be over, or never have begun.
      return response.transferList.some(({ commandKey }) => keyMatches(task, commandKey))
        ? { state: 'in-progress' }
        : stillUnknown(task);
    default:
      return stillUnknown(task);
  }
}

function rebooted(task: Task, upTime: string | undefined, at: Date): TaskChange | undefined {
  if (upTime === undefined || !/^\d{1,10}$/.test(upTime) || task.sentAt === null) return undefined;
  const runningSince = at.getTime() - Number(upTime) * 1000;
  // Clocks of devices drift; some seconds decide nothing.
  if (runningSince > task.sentAt.getTime() + 2000) return { state: 'done', result: { settledBy: 'DeviceInfo.UpTime' } };
  const waited = at.getTime() - task.sentAt.getTime() > settlingSeconds * 1000;
  return waited ? notCarriedOut('the device has been running since before the request') : undefined;
}

function added(task: Task, names: readonly string[], at: Date): TaskChange {
  const { before } = task.progress;
  if (before === undefined) return stillUnknown(task);
  const known = new Set(before);
  const fresh = names.filter((name) => !known.has(name) && name.endsWith('.'));
  const [object] = fresh;
  // Nothing was added: the request was not carried out, and sending it again repeats nothing.
  if (object === undefined)
    return task.attempts < mostAttempts ? { state: 'queued', notBefore: at } : notCarriedOut('no instance was added');
  if (fresh.length > 1) return stillUnknown(task);
  const instanceNumber = Number(/(\d+)\.$/.exec(object)?.[1] ?? 0);
  return { state: 'done', result: { instanceNumber, object, settledBy: 'GetParameterNames' } };
}
