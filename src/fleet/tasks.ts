import type { Clock } from '../platform/clock.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import { lockDevice } from './admission-queries.ts';
import { recordChange } from './changes.ts';
import type { DeviceState } from './device.ts';
import { type DeviceSecrets, noDeviceSecrets } from './device-secrets.ts';
import type { By } from './register.ts';
import type { Task, TaskRequest } from './task.ts';
import { changeTask } from './task-outcome-queries.ts';
import { refusalOf, type WritePolicy, writesConnectionRequestSecret } from './task-policy.ts';
import {
  identitiesUnder,
  insertTask,
  listTasks,
  openTaskCount,
  type TaskFilter,
  taskById,
  taskByKey,
  taskOfDevice,
} from './task-queries.ts';
import { sealRequest } from './task-secrets.ts';

export interface TaskOptions {
  /** -100 to 100; higher goes first. Default 0. */
  readonly priority?: number;
  readonly notBefore?: Date;
  readonly expiresAt?: Date;
  /** Sent only once that task of the same device is done; it fails with it. */
  readonly dependsOn?: string;
  /** The same key asks for the same task, however often. */
  readonly idempotencyKey?: string;
}

export type AddedTask =
  | { readonly ok: true; readonly task: Task; readonly created: boolean }
  | { readonly ok: false; readonly problem: TaskProblem };

export interface TaskProblem {
  readonly kind:
    | 'not_https'
    | 'shared_secret'
    | 'read_only'
    | 'invalid'
    | 'device_missing'
    | 'device_retired'
    | 'too_many'
    | 'dependency_missing'
    | 'key_taken'
    | 'no_secret_key'
    | 'task_missing'
    | 'not_cancellable';
  readonly message: string;
  readonly remedy?: string;
}

export type CancelledTask =
  | { readonly ok: true; readonly task: Task; readonly changed: boolean }
  | { readonly ok: false; readonly problem: TaskProblem };

export interface Tasks {
  add(deviceId: string, request: TaskRequest, by: By, options?: TaskOptions): Promise<AddedTask>;
  /** Newest first. */
  list(filter: TaskFilter, limit: number): Promise<readonly Task[]>;
  /** By its id, or the beginning of it; several: it is not one. */
  find(id: string): Promise<readonly Task[]>;
  get(deviceId: string, id: string): Promise<Task | undefined>;
  cancel(deviceId: string, id: string, by: By): Promise<CancelledTask>;
}

/** Tasks that may be open for one device. */
export const mostOpen = 1000;

export function createTasks(deps: {
  readonly db: Database;
  readonly clock: Clock;
  readonly policy: WritePolicy;
  /** Anchors whose devices may be given a password for connection requests, whatever `policy` says of others. */
  readonly digestAnchors?: readonly string[];
  /** Default: none can be kept, and wishes that hold some are refused. */
  readonly secrets?: DeviceSecrets;
}): Tasks {
  const { db, clock, secrets = noDeviceSecrets } = deps;
  const one = async (query: ReturnType<typeof taskOfDevice>, on: Queryable = db): Promise<Task | undefined> =>
    (await on.query<Task>(query)).rows[0];
  return {
    add: async (deviceId, request, by, options = {}) => {
      const refusal = refusalOf(request, await policyFor(deps, deviceId, request));
      if (refusal !== undefined) {
        const { reason, message, remedy } = refusal;
        return { ok: false, problem: { kind: reason, message, remedy } };
      }
      return db.transaction((tx) => addTask(tx, { clock, secrets }, deviceId, request, by, options));
    },
    list: async (filter, limit) => (await db.query<Task>(listTasks(filter, limit))).rows,
    find: async (text) => {
      const hex = text.replaceAll('-', '').toLowerCase();
      return /^[0-9a-f]{8,32}$/.test(hex) ? (await db.query<Task>(taskById(hex))).rows : [];
    },
    get: (deviceId, id) => one(taskOfDevice(deviceId, id)),
    cancel: (deviceId, id, by) => db.transaction((tx) => cancel(tx, clock, deviceId, id, by)),
  };
}

function problem(kind: TaskProblem['kind'], message: string, remedy?: string): { ok: false; problem: TaskProblem } {
  return { ok: false, problem: { kind, message, ...(remedy !== undefined && { remedy }) } };
}

/** Anchors are asked for only where it matters whose device it is. */
async function policyFor(
  { db, policy, digestAnchors = [] }: Parameters<typeof createTasks>[0],
  deviceId: string,
  request: TaskRequest,
): Promise<WritePolicy> {
  if (digestAnchors.length === 0 || !writesConnectionRequestSecret(request)) return policy;
  const { rows } = await db.query(identitiesUnder(deviceId, digestAnchors));
  return rows.length > 0 ? { connectionRequest: 'digest' } : policy;
}

export interface Adding {
  readonly clock: Clock;
  readonly secrets?: DeviceSecrets;
}

/** In the caller's transaction, of a request that is known to be allowed. */
export async function addTask(
  tx: Queryable,
  { clock, secrets = noDeviceSecrets }: Adding,
  deviceId: string,
  request: TaskRequest,
  by: By,
  options: TaskOptions,
): Promise<AddedTask> {
  const at = clock.now();
  // Locked, so that two that add at once are counted one after the other.
  const { rows: devices } = await tx.query<{ state: DeviceState }>(lockDevice(deviceId));
  const [device] = devices;
  if (device === undefined) return problem('device_missing', `there is no device ${deviceId}`);
  if (device.state === 'retired') return problem('device_retired', `device ${deviceId} is retired, for good`);
  const { rows: counts } = await tx.query<{ count: number }>(openTaskCount(deviceId));
  if ((counts[0]?.count ?? 0) >= mostOpen)
    return problem('too_many', `device ${deviceId} has ${mostOpen} open tasks`, 'cancel some, or wait for its session');
  const { dependsOn } = options;
  if (dependsOn !== undefined && (await dependencyFault(tx, deviceId, dependsOn)))
    return problem('dependency_missing', `task ${dependsOn} of this device is not there, or came to nothing`);
  const id = uuidv7(clock);
  const sealed = await sealRequest(secrets, id, request);
  if (!sealed.ok)
    return problem(
      'no_secret_key',
      `the value of ${sealed.name} would lie in the open: there is no key to wrap it`,
      'set HEMS_SECRET_KEY on every node; "hems secret key" makes one',
    );
  const fresh = {
    deviceId,
    id,
    request: sealed.request,
    priority: Math.max(-100, Math.min(100, Math.trunc(options.priority ?? 0))),
    notBefore: options.notBefore ?? at,
    expiresAt: options.expiresAt,
    dependsOn,
    idempotencyKey: options.idempotencyKey,
    origin: by.actor,
    at,
  };
  const { rows } = await tx.query<Task>(insertTask(fresh));
  const [task] = rows;
  if (task === undefined) return existing(tx, deviceId, request, options.idempotencyKey ?? '');
  await recordChange(tx, { deviceId, at, action: 'queue_task', after: { task: task.id, kind: request.kind }, ...by });
  return { ok: true, task, created: true };
}

async function dependencyFault(tx: Queryable, deviceId: string, id: string): Promise<boolean> {
  if (!/^[0-9a-f-]{36}$/i.test(id)) return true;
  const { rows } = await tx.query<Task>(taskOfDevice(deviceId, id));
  return rows[0] === undefined || ['failed', 'cancelled', 'expired'].includes(rows[0].state);
}

async function existing(tx: Queryable, deviceId: string, request: TaskRequest, key: string): Promise<AddedTask> {
  const { rows } = await tx.query<Task>(taskByKey(deviceId, key));
  const [task] = rows;
  if (task === undefined) throw new Error(`a task of ${deviceId} could be neither made nor found`);
  if (task.request.kind !== request.kind)
    return problem('key_taken', `the idempotency key is that of task ${task.id}, a ${task.request.kind}`);
  return { ok: true, task, created: false };
}

async function cancel(tx: Queryable, clock: Clock, deviceId: string, id: string, by: By): Promise<CancelledTask> {
  const at = clock.now();
  const { rows } = await tx.query<Task>(taskOfDevice(deviceId, id));
  const [task] = rows;
  if (task === undefined) return problem('task_missing', `device ${deviceId} has no task ${id}`);
  if (task.state === 'cancelled') return { ok: true, task, changed: false };
  if (task.finishedAt !== null) return problem('not_cancellable', `task ${id} is ${task.state} already`);
  const { count } =
    task.state === 'sent'
      ? { count: 0 }
      : await tx.query(
          changeTask(task, { state: 'cancelled', ...(task.fault && { fault: task.fault }) }, task.attempts, at),
        );
  // What the device has in its hands cannot be called back.
  if (count === 0)
    return problem('not_cancellable', `task ${id} is with the device now`, 'try again when it has answered');
  await recordChange(tx, {
    deviceId,
    at,
    action: 'cancel_task',
    before: { state: task.state },
    after: { task: id, kind: task.request.kind },
    ...by,
  });
  return { ok: true, task: { ...task, state: 'cancelled', finishedAt: at }, changed: true };
}
