import type { Operation, SetParameterAttributesStruct, TimeWindowStruct } from '../cwmp/acs-methods.ts';
import type { Actor } from './changes.ts';

/** One value to be written. */
export interface ParameterToWrite {
  /** A full path. */
  readonly name: string;
  readonly value: string;
  /** Local part of xsi:type; absent: as the device itself types it. */
  readonly type?: string | undefined;
  /** A secret value as it is kept in the queue; `value` is empty then. */
  readonly sealed?: string | undefined;
}

interface FileTransfer {
  readonly fileType: string;
  /** https. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** What may be wanted of a device. Paths are full, or partial ones that end in a dot. */
export type TaskRequest =
  | { readonly kind: 'get-methods' }
  | { readonly kind: 'read-values'; readonly paths: readonly string[] }
  | { readonly kind: 'read-names'; readonly path: string; readonly nextLevel: boolean }
  | { readonly kind: 'read-attributes'; readonly paths: readonly string[] }
  /** Names, then values, of everything below a path, in steps of bounded size. */
  | { readonly kind: 'read-tree'; readonly path: string }
  /** Atomic at the device. */
  | {
      readonly kind: 'write-values';
      readonly values: readonly ParameterToWrite[];
      /** Reported in every later Inform; absent: the key of the task. */
      readonly parameterKey?: string | undefined;
    }
  | { readonly kind: 'write-attributes'; readonly attributes: readonly SetParameterAttributesStruct[] }
  | { readonly kind: 'add-object'; readonly object: string; readonly parameterKey?: string | undefined }
  | { readonly kind: 'delete-object'; readonly object: string; readonly parameterKey?: string | undefined }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'factory-reset' }
  | ({
      readonly kind: 'download';
      readonly fileSize?: number | undefined;
      readonly targetFileName?: string | undefined;
      readonly delaySeconds?: number | undefined;
    } & FileTransfer)
  | ({ readonly kind: 'upload'; readonly delaySeconds?: number | undefined } & FileTransfer)
  | ({
      readonly kind: 'schedule-download';
      readonly fileSize?: number | undefined;
      readonly targetFileName?: string | undefined;
      readonly windows: readonly TimeWindowStruct[];
    } & FileTransfer)
  | { readonly kind: 'cancel-transfer'; readonly commandKey: string }
  | { readonly kind: 'queued-transfers' }
  | { readonly kind: 'schedule-inform'; readonly delaySeconds: number }
  | { readonly kind: 'change-du-state'; readonly operations: readonly Operation[] }
  | { readonly kind: 'set-vouchers'; readonly vouchers: readonly string[] }
  | { readonly kind: 'get-options'; readonly optionName: string };

export type TaskKind = TaskRequest['kind'];

/** Once sent, these are never sent again unless it is known that they were not carried out. */
const atMostOnce: ReadonlySet<TaskKind> = new Set([
  'reboot',
  'factory-reset',
  'download',
  'upload',
  'schedule-download',
  'add-object',
  'change-du-state',
]);

/** What may not be done twice, nor to another device than the one it was meant for. */
export const kindsOfOneDevice: readonly TaskKind[] = [...atMostOnce, 'delete-object', 'cancel-transfer'];

export function isAtMostOnce(kind: TaskKind): boolean {
  return atMostOnce.has(kind);
}

export const openStates = ['queued', 'sent', 'in-progress', 'unknown-outcome'] as const;
export const taskStates = [...openStates, 'done', 'failed', 'cancelled', 'expired'] as const;

/**
 * queued: waits for a session. sent: a request of it is with the device. in-progress: accepted, the outcome comes
 * later. unknown-outcome: perhaps carried out, perhaps not, and nobody repeats it. The others are final.
 */
export type TaskState = (typeof taskStates)[number];

/** Why a task failed, or why its last attempt did. */
export interface TaskFault {
  readonly cause: /** A fault of the device. */
    | 'fault'
    /** The transfer itself failed, by TransferComplete or DUStateChangeComplete. */
    | 'transfer'
    /** Sent several times and never answered. */
    | 'unanswered'
    /** The device answered what cannot be read. */
    | 'unreadable'
    /** Cannot be sent to this device. */
    | 'not-sent'
    /** Known not to have been carried out, and not to be repeated. */
    | 'not-carried-out'
    /** The task that it depends on came to nothing. */
    | 'dependency'
    /** The device takes more steps, or is larger, than is bearable. */
    | 'too-large';
  /** 9000 to 9899. */
  readonly code?: number | undefined;
  readonly message: string;
  readonly parameters?: readonly { readonly name: string; readonly code: number; readonly message: string }[];
}

/** What remains to be known between two requests of one task; by kind. */
export interface TaskProgress {
  /** write-values: types learnt from the device. */
  readonly types?: Readonly<Record<string, string>> | undefined;
  /** read-tree: `names` while the tree is being listed. */
  readonly phase?: 'names' | 'values' | undefined;
  /** read-tree: paths that are to be listed, one level at a time where all at once was too much. */
  readonly paths?: readonly string[] | undefined;
  readonly oneLevel?: boolean | undefined;
  /** read-tree: the last name whose value was read. */
  readonly after?: string | undefined;
  /** Values asked for at once. */
  readonly batch?: number | undefined;
  /** Parameters read so far. */
  readonly read?: number | undefined;
  /** add-object: the instances that were there before. */
  readonly before?: readonly string[] | undefined;
  /** Looks at the device, or Informs, that did not settle an unknown outcome. */
  readonly checks?: number | undefined;
}

export interface Task {
  readonly deviceId: string;
  readonly id: string;
  readonly request: TaskRequest;
  readonly state: TaskState;
  readonly priority: number;
  readonly notBefore: Date;
  readonly expiresAt: Date | null;
  readonly dependsOn: string | null;
  readonly idempotencyKey: string | null;
  readonly origin: Actor;
  readonly createdAt: Date;
  readonly step: 'prepare' | 'work' | 'settle' | null;
  readonly attempts: number;
  readonly sentAt: Date | null;
  readonly sessionId: string | null;
  readonly progress: TaskProgress;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly fault: TaskFault | null;
  readonly finishedAt: Date | null;
}

/** What changes of a task. */
export interface TaskChange {
  readonly state: TaskState;
  readonly notBefore?: Date | undefined;
  /** Absent: as it was. */
  readonly progress?: TaskProgress | undefined;
  readonly result?: Readonly<Record<string, unknown>> | undefined;
  readonly fault?: TaskFault | undefined;
}

/**
 * The CommandKey and ParameterKey of an attempt, at most 32 characters, of digits and lower-case letters: what the
 * device says about one attempt must not be taken for another.
 */
export function keyOf(taskId: string, attempt: number): string {
  return `${BigInt(`0x${taskId.replaceAll('-', '')}`).toString(36)}.${attempt}`;
}

/** The task and attempt that a key names, if it is one of ours. */
export function taskOfKey(key: string): { readonly taskId: string; readonly attempt: number } | undefined {
  const [, digits, attempt] = /^([0-9a-z]{1,25})\.(\d{1,6})$/.exec(key.toLowerCase()) ?? [];
  if (digits === undefined) return undefined;
  let number = 0n;
  for (const digit of digits) number = number * 36n + BigInt(Number.parseInt(digit, 36));
  const hex = number.toString(16).padStart(32, '0');
  if (hex.length > 32) return undefined;
  const taskId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return { taskId, attempt: Number(attempt) };
}
