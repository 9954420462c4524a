import { z } from 'zod';
import { storedFilter } from '../../fleet/jobs/job-input.ts';
import { statesWithTasks } from '../../fleet/jobs/tasks-job.ts';
import { refusalForMany } from '../../fleet/task-policy.ts';
import type { TaskRequest } from '../../fleet/task.ts';
import { taskRequestSchema } from '../../fleet/task-request-schema.ts';
import type { Caller } from '../authentication.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { instantQuery, reasonBody } from '../values.ts';
import type { ApiDeps } from './deps.ts';
import { deviceFilters, keptToGroup } from './device-filters.ts';
import { idempotencyHeaders, jobAnswers, keyOf, startJob } from './jobs.ts';

const tag = 'jobs';

const filter = z
  .strictObject(deviceFilters)
  .refine((value) => Object.values(value).some((one) => one !== undefined), 'choose devices by one filter at least');

const confirm = z
  .int()
  .min(0)
  .optional()
  .describe('The count of the dry run. Absent: nothing is done, they are only counted.');

const dryRunAnswer = {
  description: 'A dry run: how many devices it would concern.',
  schema: z.strictObject({ devices: z.int() }),
};

export function bulkOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [moveDevices(deps), queueTasks(deps)];
}

interface Confirming {
  readonly count: number;
  readonly confirm: number | undefined;
}

/** Undefined: it is confirmed. Else the dry run's answer, or that the devices are others by now. */
function unconfirmed({ count, confirm }: Confirming): Answer | undefined {
  if (confirm === undefined) return { status: 200, body: { devices: count } };
  if (confirm === count) return undefined;
  const detail = `it would concern ${count} devices, not ${confirm}`;
  return refuse(409, { code: 'count_differs', in: 'body', field: 'confirm', detail });
}

interface Wish {
  readonly kind: string;
  readonly input: object;
  readonly count: number;
  readonly key: string | undefined;
  readonly reason: string | undefined;
}

function jobOf(caller: Caller, by: { actor: { kind: string; name: string } }, wish: Wish) {
  const { kind, input, count, key, reason } = wish;
  const group = caller.group ?? undefined;
  return { kind, input, actor: by.actor, total: count, group, reason, idempotencyKey: keyOf(caller, key) };
}

function moveDevices(deps: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'moveDevices', method: 'POST', path: '/api/v1/bulk/device-moves', tag, idempotency: 'own' },
    summary: 'Approves, rejects, blocks, unblocks, retires or hands over all devices of a filter',
    description: 'First without `confirm`, which counts them; then with the count.',
    permission: 'devices:write',
    reach: 'fleet',
    headers: idempotencyHeaders,
    body: z.strictObject({
      move: z.enum(['approve', 'reject', 'block', 'unblock', 'retire', 'handover']),
      filter,
      confirm,
      format: z.enum(['csv', 'ndjson']).optional().describe('Of the records of a handover.'),
      reason: reasonBody,
    }),
    example: { move: 'block', filter: { tag: 'pilot' }, reason: 'the pilot is over' },
    answers: { 200: dryRunAnswer, ...jobAnswers },
    problems: [409, 422],
    handle: async ({ body, headers, caller, by }) => {
      const { move, format, confirm, reason } = body;
      const kept = keptToGroup(body.filter, caller);
      const count = await deps.register.countForMove(move, kept);
      const key = headers['idempotency-key'];
      const known = key === undefined ? undefined : await deps.jobs.known(keyOf(caller, key) ?? '');
      const early = known === undefined ? unconfirmed({ count, confirm }) : undefined;
      if (early !== undefined) return early;
      const input = { move, filter: storedFilter(kept), ...(format !== undefined && { format }) };
      return startJob(deps, jobOf(caller, by, { kind: 'device-moves', input, count, key, reason }));
    },
  });
}

function queueTasks(deps: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'createTasks', method: 'POST', path: '/api/v1/bulk/tasks', tag, idempotency: 'own' },
    summary: 'Wants the same of all devices of a filter, each at its next session',
    description: 'First without `confirm`, which counts them; then with the count. Each device gets a task of its own.',
    permission: 'tasks:write',
    reach: 'fleet',
    headers: idempotencyHeaders,
    body: z.strictObject({
      filter,
      request: taskRequestSchema,
      priority: z.int().min(-100).max(100).optional(),
      notBefore: instantQuery.optional(),
      expiresAt: instantQuery.optional(),
      confirm,
      reason: reasonBody.optional(),
    }),
    example: { filter: { site: 'Ulm 7' }, request: { kind: 'reboot' }, reason: 'power work' },
    answers: { 200: dryRunAnswer, ...jobAnswers },
    problems: [409, 422],
    handle: async ({ body, headers, caller, by }) => {
      const { request, priority, notBefore, expiresAt, confirm, reason } = body;
      const forbidden = refusedRequest(request);
      if (forbidden !== undefined) return forbidden;
      const kept = keptToGroup(body.filter, caller);
      const count = await deps.register.countInStates(kept, statesWithTasks);
      const key = headers['idempotency-key'];
      const known = key === undefined ? undefined : await deps.jobs.known(keyOf(caller, key) ?? '');
      const early = known === undefined ? unconfirmed({ count, confirm }) : undefined;
      if (early !== undefined) return early;
      const input = { filter: storedFilter(kept), request, priority, notBefore, expiresAt };
      return startJob(deps, jobOf(caller, by, { kind: 'device-tasks', input, count, key, reason }));
    },
  });
}

function refusedRequest(request: TaskRequest): Answer | undefined {
  const refusal = refusalForMany(request);
  if (refusal === undefined) return undefined;
  const { reason: code, message, remedy } = refusal;
  return refuse(422, { code, in: 'body', field: 'request', detail: `${message}; ${remedy}` });
}
