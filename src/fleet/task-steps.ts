import type { AcsRequest } from '../cwmp/acs-methods.ts';
import { isSince } from '../cwmp/methods.ts';
import type { CwmpVersion } from '../cwmp/versions.ts';
import type { ModelQuirks } from './model-quirks.ts';
import { tableOf } from './alias-paths.ts';
import { keyOf, type Task, type TaskChange, type TaskRequest } from './task.ts';

/** What is known of the device when the next step is chosen. */
export interface StepContext {
  readonly version: CwmpVersion;
  readonly quirks: ModelQuirks;
  /** `Device` or `InternetGatewayDevice`. */
  readonly root: string;
  /** write-values: the types that the device has shown. */
  readonly types?: ReadonlyMap<string, string> | undefined;
  /** Where the device has called; what `/files/…` stands below. */
  readonly doorUrl?: string | undefined;
  /** read-tree: the names whose values are read next. */
  readonly names?: readonly string[] | undefined;
}

export type NextStep =
  | { readonly kind: 'send'; readonly request: AcsRequest; readonly step: 'prepare' | 'work' | 'settle' }
  /** Nothing is left to be asked. */
  | { readonly kind: 'over'; readonly change: TaskChange };

/** Values asked for in one GetParameterValues of a tree. */
export const treeBatch = 256;

/** The one request that brings a task forward. Pure: it says the same for the same. */
export function nextStep(task: Task, context: StepContext): NextStep {
  if (task.state === 'unknown-outcome') return settlingStep(task, context);
  const { request } = task;
  switch (request.kind) {
    case 'write-values':
      return writeStep(task, request, context);
    case 'add-object':
      // Known beforehand, the instances tell afterwards whether an answer that was lost had added one.
      if (task.progress.before === undefined) return prepare(instancesOf(request.object));
      return work({
        method: 'AddObject',
        objectName: request.object,
        parameterKey: request.parameterKey ?? nextKey(task),
      });
    case 'read-tree':
      return treeStep(task, request.path, context);
    default:
      return work(requestOf(task, request, context));
  }
}

function work(request: AcsRequest): NextStep {
  return { kind: 'send', request, step: 'work' };
}

function prepare(request: AcsRequest): NextStep {
  return { kind: 'send', request, step: 'prepare' };
}

/** Of the attempt that is about to be made. */
function nextKey(task: Task): string {
  return keyOf(task.id, task.attempts + 1);
}

type OneStepRequest = Exclude<TaskRequest, { kind: 'write-values' | 'add-object' | 'read-tree' }>;

function requestOf(task: Task, request: OneStepRequest, { doorUrl }: StepContext): AcsRequest {
  const commandKey = nextKey(task);
  switch (request.kind) {
    case 'get-methods':
      return { method: 'GetRPCMethods' };
    case 'read-values':
      return { method: 'GetParameterValues', parameterNames: request.paths };
    case 'read-names':
      return { method: 'GetParameterNames', parameterPath: request.path, nextLevel: request.nextLevel };
    case 'read-attributes':
      return { method: 'GetParameterAttributes', parameterNames: request.paths };
    case 'write-attributes':
      return { method: 'SetParameterAttributes', parameterList: request.attributes };
    case 'delete-object':
      return {
        method: 'DeleteObject',
        objectName: request.object,
        parameterKey: request.parameterKey ?? commandKey,
      };
    case 'reboot':
      return { method: 'Reboot', commandKey };
    case 'factory-reset':
      return { method: 'FactoryReset' };
    case 'queued-transfers':
      return { method: 'GetQueuedTransfers' };
    case 'schedule-inform':
      return { method: 'ScheduleInform', delaySeconds: request.delaySeconds, commandKey };
    case 'cancel-transfer':
      return { method: 'CancelTransfer', commandKey: request.commandKey };
    case 'change-du-state':
      return { method: 'ChangeDUState', operations: request.operations, commandKey };
    case 'set-vouchers':
      return { method: 'SetVouchers', voucherList: request.vouchers };
    case 'get-options':
      return { method: 'GetOptions', optionName: request.optionName };
    case 'download':
    case 'upload':
    case 'schedule-download':
      return transferOf(request, commandKey, doorUrl);
  }
}

type TransferRequest = Extract<TaskRequest, { kind: 'download' | 'upload' | 'schedule-download' }>;

/** TS 33.320 8.3.4 leaves Username and Password empty; `refusalOf` has seen to it. */
function transferOf(request: TransferRequest, commandKey: string, doorUrl: string | undefined): AcsRequest {
  const { fileType, username = '', password = '' } = request;
  // A file of ours is fetched at the door that the device is at: it may not reach another one.
  const url = request.url.startsWith('/') && doorUrl !== undefined ? new URL(request.url, doorUrl).href : request.url;
  const transfer = { commandKey, fileType, url, username, password };
  switch (request.kind) {
    case 'upload':
      return { method: 'Upload', ...transfer, delaySeconds: request.delaySeconds ?? 0 };
    case 'download':
      return {
        method: 'Download',
        ...transfer,
        fileSize: request.fileSize ?? 0,
        targetFileName: request.targetFileName ?? '',
        delaySeconds: request.delaySeconds ?? 0,
        successUrl: '',
        failureUrl: '',
      };
    case 'schedule-download':
      return {
        method: 'ScheduleDownload',
        ...transfer,
        fileSize: request.fileSize ?? 0,
        targetFileName: request.targetFileName ?? '',
        timeWindowList: request.windows,
      };
  }
}

/** TR-069 A.3.2.1: strict devices refuse a value of another type than theirs (9006), so theirs is learnt first. */
function writeStep(
  task: Task,
  { values, parameterKey }: Extract<TaskRequest, { kind: 'write-values' }>,
  { types, quirks }: StepContext,
): NextStep {
  const typeOf = (name: string): string | undefined => task.progress.types?.[name] ?? types?.get(name);
  const untyped = values.filter(({ name, type }) => type === undefined && typeOf(name) === undefined);
  if (untyped.length > 0 && quirks.typedValues)
    return prepare({ method: 'GetParameterValues', parameterNames: untyped.map(({ name }) => name) });
  const parameterList = values.map(({ name, value, type }) => ({
    name,
    value,
    type: quirks.typedValues ? (type ?? typeOf(name)) : undefined,
  }));
  return work({ method: 'SetParameterValues', parameterList, parameterKey: parameterKey ?? nextKey(task) });
}

function treeStep({ progress }: Task, path: string, { names, quirks }: StepContext): NextStep {
  if (progress.phase !== 'values') {
    const parameterPath = progress.paths?.[0] ?? path;
    return work({
      method: 'GetParameterNames',
      parameterPath,
      nextLevel: quirks.namesLevelByLevel || progress.oneLevel === true,
    });
  }
  if (names === undefined || names.length === 0)
    return { kind: 'over', change: { state: 'done', result: { read: progress.read ?? 0 } } };
  return work({ method: 'GetParameterValues', parameterNames: names });
}

/** Of the table: an alias that is to be added names nothing yet (TR-069 A4 3.6.1). */
function instancesOf(object: string): AcsRequest {
  return { method: 'GetParameterNames', parameterPath: tableOf(object), nextLevel: true };
}

/** What can be asked of the device to learn whether it has carried out a request whose answer was lost. */
function settlingStep({ request, progress }: Task, { version, root }: StepContext): NextStep {
  const settle = (asked: AcsRequest): NextStep => ({ kind: 'send', request: asked, step: 'settle' });
  switch (request.kind) {
    case 'reboot':
      return settle({ method: 'GetParameterValues', parameterNames: [`${root}.DeviceInfo.UpTime`] });
    case 'download':
    case 'upload':
    case 'schedule-download':
      return settle({ method: isSince(version, '1.1') ? 'GetAllQueuedTransfers' : 'GetQueuedTransfers' });
    case 'add-object':
      return settle(instancesOf(request.object));
    default:
      // Only the device itself can tell, by an event.
      return { kind: 'over', change: { state: 'unknown-outcome', progress: { ...progress, checks: mostChecks } } };
  }
}

/** Looks at the device that did not settle an outcome, after which only the device itself can. */
export const mostChecks = 3;
