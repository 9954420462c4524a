import { z } from 'zod';
import { type Task, taskStates } from '../../fleet/task.ts';
import { withoutSecrets } from '../../fleet/task-hiding.ts';
import { taskRequestSchema } from '../../fleet/task-request-schema.ts';
import { shownRequest } from '../../fleet/task-secrets.ts';
import type { TaskProblem } from '../../fleet/tasks.ts';
import { keptKey, keyHeader } from '../idempotency.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { deviceParams, instantQuery, reasonBody, time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'devices';
const path = '/api/v1/devices/{deviceId}/tasks';
const taskParams = z.strictObject({ deviceId: uuid, taskId: uuid });

export const taskSchema = z.strictObject({
  id: z.uuid(),
  deviceId: z.uuid(),
  request: z.looseObject({ kind: z.string() }).describe('What is wanted; secret and personal values are masked.'),
  state: z.enum(taskStates),
  priority: z.int(),
  notBefore: time,
  expiresAt: time.nullable(),
  dependsOn: z.uuid().nullable(),
  origin: z.strictObject({ kind: z.string(), name: z.string() }),
  createdAt: time,
  attempts: z.int(),
  sentAt: time.nullable(),
  finishedAt: time.nullable(),
  result: z.looseObject({}).nullable(),
  fault: z.looseObject({}).nullable(),
});

export function taskOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [findTasks(deps), listTasks(deps), getTask(deps), createTask(deps), cancelTask(deps)];
}

export function taskView(task: Task): unknown {
  const { id, deviceId, request, state, priority, notBefore, expiresAt, dependsOn, origin, createdAt } = task;
  const { attempts, sentAt, finishedAt, result, fault } = task;
  const outcome = { attempts, sentAt, finishedAt, result: withoutSecrets(result), fault };
  const wanted = { request: withoutSecrets(shownRequest(request)), state, priority, notBefore, expiresAt, dependsOn };
  return { id, deviceId, ...wanted, origin, createdAt, ...outcome };
}

const statuses: Readonly<Record<TaskProblem['kind'], number>> = {
  not_https: 422,
  shared_secret: 422,
  read_only: 422,
  invalid: 422,
  dependency_missing: 422,
  key_taken: 422,
  no_secret_key: 422,
  device_missing: 404,
  task_missing: 404,
  device_retired: 409,
  too_many: 409,
  not_cancellable: 409,
};

function refused({ kind, message, remedy }: TaskProblem): Answer {
  return refuse(statuses[kind], { code: kind, detail: remedy === undefined ? message : `${message}; ${remedy}` });
}

function listTasks({ tasks }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listTasks', method: 'GET', path, tag, params: deviceParams },
    summary: 'What was wanted of a device, newest first',
    permission: 'tasks:read',
    reach: 'device',
    query: z.strictObject({ state: z.enum(taskStates).optional(), limit: limitQuery, cursor: cursorQuery(uuid) }),
    answers: { 200: { description: 'A page of tasks.', schema: pageSchema(taskSchema) } },
    problems: [404],
    handle: async ({ params: { deviceId }, query: { state, limit, cursor } }) => {
      const found = await tasks.list({ deviceId, state, before: cursor?.[0] }, limit + 1);
      const items = found.slice(0, limit);
      const last = found.length > limit ? items.at(-1) : undefined;
      return { status: 200, body: { items: items.map(taskView), ...(last && { next: cursorOf(last.id) }) } };
    },
  });
}

function getTask({ tasks }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getTask', method: 'GET', path: `${path}/{taskId}`, tag, params: taskParams },
    summary: 'One task',
    permission: 'tasks:read',
    reach: 'device',
    answers: { 200: { description: 'The task.', schema: taskSchema } },
    problems: [404],
    handle: async ({ params: { deviceId, taskId } }) => {
      const task = await tasks.get(deviceId, taskId);
      if (task === undefined) return refuse(404, { code: 'task_missing', detail: 'there is no such task' });
      return { status: 200, body: taskView(task) };
    },
  });
}

const located = { Location: 'Of the task.' };

const wakeBody = z
  .boolean()
  .describe('Ask the device to call for it (connection request). Default: as the configuration has it.');

function createTask({ tasks, connectionRequests, wakeForTasks }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'createTask', method: 'POST', path, tag, params: deviceParams, idempotency: 'own' },
    summary: 'Wants something of a device, at its next session',
    permission: 'tasks:write',
    reach: 'device',
    headers: keyHeader('The same key asks for the same task, however often; of one API key and device.'),
    body: z.strictObject({
      request: taskRequestSchema,
      priority: z.int().min(-100).max(100).optional(),
      notBefore: instantQuery.optional(),
      expiresAt: instantQuery.optional(),
      dependsOn: uuid.optional(),
      wake: wakeBody.optional(),
      reason: reasonBody.optional(),
    }),
    example: { request: { kind: 'reboot' }, reason: 'asked for by the site' },
    answers: {
      200: { description: 'It was asked for before, by this Idempotency-Key.', schema: taskSchema, headers: located },
      201: { description: 'It is queued.', schema: taskSchema, headers: located },
    },
    problems: [404, 409, 422],
    handle: async ({ params: { deviceId }, headers, body, by, caller }) => {
      const { request, reason, wake = wakeForTasks, ...options } = body;
      const key = headers['idempotency-key'];
      const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
      const added = await tasks.add(
        deviceId,
        request,
        { ...by, ...(reason !== undefined && { reason }) },
        { ...given, ...(key !== undefined && { idempotencyKey: keptKey(caller, key) }) },
      );
      if (!added.ok) return refused(added.problem);
      const { task, created } = added;
      const location = { Location: `/api/v1/devices/${deviceId}/tasks/${task.id}` };
      if (!created) return { status: 200, body: taskView(task), headers: location };
      // What comes of it stands in its own record; the task is queued either way.
      if (wake && task.notBefore <= task.createdAt) await connectionRequests.ask(deviceId, by, { taskId: task.id });
      return { status: 201, body: taskView(task), headers: location };
    },
  });
}

function cancelTask({ tasks }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'cancelTask', method: 'POST', path: `${path}/{taskId}/cancel`, tag, params: taskParams },
    summary: 'Takes a task back that is not with the device yet',
    permission: 'tasks:write',
    reach: 'device',
    body: z.strictObject({ reason: reasonBody.optional() }),
    answers: { 200: { description: 'It is cancelled.', schema: taskSchema } },
    problems: [404, 409],
    handle: async ({ params: { deviceId, taskId }, body: { reason }, by }) => {
      const result = await tasks.cancel(deviceId, taskId, { ...by, ...(reason !== undefined && { reason }) });
      return result.ok ? { status: 200, body: taskView(result.task) } : refused(result.problem);
    },
  });
}

function findTasks({ findTasks: find }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'findTasks', method: 'GET', path: '/api/v1/tasks', tag },
    summary: 'What was wanted of all devices, newest first',
    description:
      'A page looks at 50 000 tasks at most: one that is not full, or empty, has a `next` as long as there are older ones.',
    permission: 'tasks:read',
    reach: 'fleet',
    query: z.strictObject({
      state: z.enum(taskStates).optional(),
      kind: z.string().min(1).max(40).optional(),
      origin: z.string().min(1).max(512).optional().describe('Who wanted it, as `origin.name` has it.'),
      limit: limitQuery,
      cursor: cursorQuery(uuid),
    }),
    answers: { 200: { description: 'A page of tasks.', schema: pageSchema(taskSchema) } },
    handle: async ({ query: { limit, cursor, ...filter }, caller }) => {
      const search = { ...filter, group: caller.group ?? undefined, before: cursor?.[0] };
      const { tasks, next } = await find(search, limit);
      return { status: 200, body: { items: tasks.map(taskView), ...(next !== undefined && { next: cursorOf(next) }) } };
    },
  });
}
