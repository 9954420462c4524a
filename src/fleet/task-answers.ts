import type { AcsRequest, CpeResponse } from '../cwmp/acs-methods.ts';
import type { CpeFault } from '../cwmp/faults.ts';
import type { Answer } from '../cwmp/session.ts';
import { isAnswerFor, tableOf } from './alias-paths.ts';
import { isAtMostOnce, type Task, type TaskChange, type TaskFault } from './task.ts';
import { faultOfDevice, later, mostAttempts, retryOf } from './task-retry.ts';
import { settledByRead, stillUnknown } from './task-settling.ts';
import { treeAnswered, treeTooMuch } from './task-tree.ts';

/** What an answer, or its absence, makes of the task whose request it was. `task.attempts` counts that request. */
export function answered(task: Task, request: AcsRequest, answer: Answer, at: Date): TaskChange {
  switch (answer.kind) {
    case 'response':
      return responded(task, request, answer.response, at);
    case 'fault':
      return faulted(task, request, answer.fault, at);
    case 'unreadable':
      return unreadable(task, request, answer.error);
    case 'none':
      return unanswered(task, at);
    case 'not-sent':
      return failed({ cause: 'not-sent', message: answer.message });
  }
}

export function failed(fault: TaskFault): TaskChange {
  return { state: 'failed', fault };
}

/** The device went on without an answer, or its session was lost: nobody knows what became of the request. */
export function unanswered(task: Task, at: Date): TaskChange {
  if (task.step === 'settle') return stillUnknown(task);
  const fault: TaskFault = { cause: 'unanswered', message: `sent ${task.attempts} times without an answer` };
  if (task.step === 'work' && isAtMostOnce(task.request.kind)) return { state: 'unknown-outcome', fault };
  if (task.attempts >= mostAttempts) return failed(fault);
  return { state: 'queued', fault, notBefore: at };
}

function responded(task: Task, request: AcsRequest, response: CpeResponse, at: Date): TaskChange {
  if (task.step === 'settle') return settledByRead(task, response, at);
  if (task.step === 'prepare') return prepared(task, response, at);
  if (task.request.kind === 'read-tree') return treeAnswered(task, request, response);
  return worked(task, response);
}

function prepared(task: Task, response: CpeResponse, at: Date): TaskChange {
  const notBefore = at;
  if (response.method === 'GetParameterValuesResponse') {
    const answered = response.parameterList.map(({ name, type }): [string, string] => [name, type ?? 'string']);
    const types = [...answered, ...aliasTypes(task, answered)];
    const missing = missingOf(task, new Map(types));
    // A device that answers without what it was asked for would be asked for ever.
    if (missing !== undefined)
      return failed({ cause: 'fault', code: 9005, message: `the device did not answer for ${missing}` });
    return {
      state: 'queued',
      notBefore,
      progress: { types: { ...task.progress.types, ...Object.fromEntries(types) } },
    };
  }
  if (response.method === 'GetParameterNamesResponse') {
    const before = response.parameterList.map(({ name }) => name);
    return { state: 'queued', notBefore, progress: { ...task.progress, before } };
  }
  return failed({ cause: 'unreadable', message: `${response.method} answers nothing that was asked` });
}

/** Types of parameters that were asked for by an alias and answered by a number. */
function aliasTypes({ request }: Task, answered: readonly [string, string][]): [string, string][] {
  if (request.kind !== 'write-values') return [];
  return request.values.flatMap(({ name }): [string, string][] => {
    const found = answered.filter(([one]) => isAnswerFor(name, one));
    return found.length === 1 && found[0] !== undefined ? [[name, found[0][1]]] : [];
  });
}

function missingOf({ request, progress }: Task, types: ReadonlyMap<string, string>): string | undefined {
  if (request.kind !== 'write-values') return undefined;
  return request.values.find(
    ({ name, type }) => type === undefined && !types.has(name) && progress.types?.[name] === undefined,
  )?.name;
}

/** The wish itself was answered. */
function worked(task: Task, response: CpeResponse): TaskChange {
  const done = (result: Readonly<Record<string, unknown>>): TaskChange => ({ state: 'done', result });
  switch (response.method) {
    case 'GetRPCMethodsResponse':
      return done({ methods: response.methodList.slice(0, 200) });
    case 'GetParameterValuesResponse':
    case 'GetParameterNamesResponse':
    case 'GetParameterAttributesResponse':
      return done({ read: response.parameterList.length });
    case 'SetParameterValuesResponse':
    case 'DeleteObjectResponse':
      return done({ status: response.status });
    case 'AddObjectResponse':
      return done(addedObject(task, response.instanceNumber, response.status));
    case 'DownloadResponse':
    case 'UploadResponse':
      // TR-069 A.3.2.8: 0, the transfer is over; 1, TransferComplete will tell.
      if (response.status === 1) return { state: 'in-progress' };
      return done({ startTime: response.startTime, completeTime: response.completeTime });
    case 'ScheduleDownloadResponse':
    case 'ChangeDUStateResponse':
    case 'RebootResponse':
    case 'FactoryResetResponse':
      return { state: 'in-progress' };
    case 'SetParameterAttributesResponse':
    case 'ScheduleInformResponse':
    case 'SetVouchersResponse':
    case 'CancelTransferResponse':
      return done({});
    case 'GetQueuedTransfersResponse':
    case 'GetAllQueuedTransfersResponse':
      return done({ transfers: response.transferList.slice(0, 64) });
    case 'GetOptionsResponse':
      return done({ options: response.optionList.slice(0, 64) });
    case 'unsupported':
      return failed({ cause: 'unreadable', message: `${response.name.slice(0, 64)} answers nothing that was asked` });
  }
}

export function addedObject({ request }: Task, instanceNumber: number, status: number) {
  const parent = request.kind === 'add-object' ? tableOf(request.object) : '';
  return { instanceNumber, object: `${parent}${instanceNumber}.`, status };
}

function faulted(task: Task, asked: AcsRequest, fault: CpeFault, at: Date): TaskChange {
  const { request, step, attempts } = task;
  const told = faultOfDevice(fault);
  if (step === 'settle') return stillUnknown(task);
  // Deleted by the request before, whose answer was lost.
  if (request.kind === 'delete-object' && fault.faultCode === 9005 && attempts > 1)
    return { state: 'done', result: { status: 0, alreadyGone: true } };
  // The policy asks every device of the fleet for what not every device has: one without it has nothing to tell.
  if (request.kind === 'write-attributes' && isOfPolicy(task) && fault.faultCode === 9005)
    return { state: 'done', result: { notThere: request.attributes.map(({ name }) => name), fault: told.message } };
  if (request.kind === 'read-tree') {
    const smaller = treeTooMuch(task, asked, fault.faultCode);
    if (smaller !== undefined) return smaller;
  }
  // A fault says that nothing was done, so that asking again repeats nothing.
  const retry = retryOf(fault.faultCode, attempts);
  if (retry.kind === 'give-up') return failed(told);
  return { state: 'queued', notBefore: later(at, retry.afterSeconds), fault: told };
}

function isOfPolicy({ origin }: Task): boolean {
  return origin.kind === 'policy' && origin.name === 'notifications';
}

function unreadable(
  task: Task,
  asked: AcsRequest,
  error: { readonly code: string; readonly message: string },
): TaskChange {
  const fault: TaskFault = { cause: 'unreadable', message: `${error.code}: ${error.message}`.slice(0, 1024) };
  if (task.step === 'settle') return stillUnknown(task);
  if (task.step === 'work' && isAtMostOnce(task.request.kind)) return { state: 'unknown-outcome', fault };
  if (task.request.kind === 'read-tree' && (error.code === 'limit' || error.code === 'too-large')) {
    const smaller = treeTooMuch(task, asked, 9004);
    if (smaller !== undefined) return smaller;
  }
  return failed(fault);
}
