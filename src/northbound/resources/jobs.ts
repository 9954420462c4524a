import { z } from 'zod';
import type { ImportInput, MovesInput } from '../../fleet/jobs/job-input.ts';
import { strangersText } from '../../fleet/strangers-text.ts';
import { withoutSecrets } from '../../fleet/task-hiding.ts';
import { type Job, jobStates, type NewJob } from '../../platform/jobs.ts';
import type { Caller } from '../authentication.ts';
import { keptKey, keyHeader } from '../idempotency.ts';
import { type Answer, type AnyOperation, operation, refuse } from '../operation.ts';
import { cursorOf, cursorQuery, limitQuery, pageSchema } from '../paging.ts';
import { time, uuid } from '../values.ts';
import type { ApiDeps } from './deps.ts';

const tag = 'jobs';
const params = z.strictObject({ jobId: uuid });

const jobSchema = z.strictObject({
  id: z.uuid(),
  kind: z.string(),
  state: z.enum(jobStates),
  done: z.int().describe('Devices; of an import: octets.'),
  total: z.int().nullable().describe('Of `done`, as it was counted when it was asked for.'),
  input: z.looseObject({}).describe('What was asked for; what is secret in it is masked.'),
  result: z.looseObject({}).describe('What came of it so far.'),
  fault: z.string().nullable().describe('Why it came to nothing, or who cancelled it.'),
  output: z.string().nullable().describe('Where the file is that comes of it.'),
  actor: z.string(),
  reason: z.string().nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
});

function jobView(job: Job): Record<string, unknown> {
  const { id, kind, state, done, total, result, fault, actor, reason, createdAt, startedAt, finishedAt } = job;
  const said = { actor: actor.name, reason, createdAt, startedAt, finishedAt };
  const output = hasOutput(job) ? `/api/v1/jobs/${id}/output` : null;
  return { id, kind, state, done, total, input: withoutSecrets(job.input), result, fault, output, ...said };
}

function hasOutput({ kind, input, result }: Job): boolean {
  if (kind === 'device-moves') return (input as MovesInput).move === 'handover';
  return kind === 'device-import' && Number(result.rejected ?? 0) > 0;
}

/** Keys are those of one caller. */
export const idempotencyHeaders = keyHeader('The same key asks for the same job, however often.');

export function keyOf(caller: Caller, key: string | undefined): string | undefined {
  return key === undefined ? undefined : keptKey(caller, key);
}

export const jobAnswers = {
  202: {
    description: 'A job does it; Location tells how far it is.',
    schema: jobSchema,
    headers: { Location: 'Of the job.', 'Retry-After': 'Seconds after which to look.' },
  },
} as const;

/** Makes the job and lets the runner of this node know; the same key twice is answered with the same job. */
export async function startJob({ jobs, kickJobs }: ApiDeps, wanted: NewJob, id?: string): Promise<Answer> {
  const actor = { ...wanted.actor, name: strangersText(wanted.actor.name, 512) };
  const { job, created } = await jobs.create({ ...wanted, actor }, id);
  if (!created && job.kind !== wanted.kind) return keyTaken(job);
  if (created) kickJobs();
  return accepted(job);
}

export function keyTaken(job: Job): Answer {
  const detail = `the key is that of job ${job.id}, a ${job.kind}`;
  return refuse(422, { code: 'key_taken', in: 'header', field: 'Idempotency-Key', detail });
}

export function accepted(job: Job): Answer {
  return { status: 202, body: jobView(job), headers: { Location: `/api/v1/jobs/${job.id}`, 'Retry-After': '1' } };
}

export function jobOperations(deps: ApiDeps): readonly AnyOperation[] {
  return [listJobs(deps), getJob(deps), readOutput(deps), cancelJob(deps)];
}

const missing = refuse(404, { code: 'job_missing', detail: 'there is no such job' });

function listJobs({ jobs }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'listJobs', method: 'GET', path: '/api/v1/jobs', tag },
    summary: 'Long work that was asked for, newest first; kept for thirty days',
    permission: 'devices:read',
    reach: 'fleet',
    query: z.strictObject({ limit: limitQuery, cursor: cursorQuery(uuid) }),
    answers: { 200: { description: 'A page of jobs.', schema: pageSchema(jobSchema) } },
    handle: async ({ query: { limit, cursor }, caller }) => {
      const found = await jobs.list({ before: cursor?.[0], limit: limit + 1 }, caller.group ?? undefined);
      const items = found.slice(0, limit);
      const last = found.length > limit ? items.at(-1) : undefined;
      return { status: 200, body: { items: items.map(jobView), ...(last && { next: cursorOf(last.id) }) } };
    },
  });
}

function getJob({ jobs }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getJob', method: 'GET', path: '/api/v1/jobs/{jobId}', tag, params },
    summary: 'How far a job is, and what came of it',
    permission: 'devices:read',
    reach: 'fleet',
    answers: { 200: { description: 'The job.', schema: jobSchema } },
    problems: [404],
    handle: async ({ params: { jobId }, caller }) => {
      const job = await jobs.get(jobId, caller.group ?? undefined);
      return job === undefined ? missing : { status: 200, body: jobView(job) };
    },
  });
}

function readOutput({ jobs }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'getJobOutput', method: 'GET', path: '/api/v1/jobs/{jobId}/output', tag, params },
    summary: 'The file that comes of a job: rejected rows of an import, records of a handover',
    permission: 'devices:read',
    reach: 'fleet',
    answers: {
      200: { description: 'The file, as far as it is written.', media: ['text/csv', 'application/x-ndjson'] },
    },
    problems: [404],
    handle: async ({ params: { jobId }, caller }) => {
      const job = await jobs.get(jobId, caller.group ?? undefined);
      if (job === undefined || !hasOutput(job)) return missing;
      const ndjson = job.kind === 'device-moves' && (job.input as MovesInput | ImportInput).format === 'ndjson';
      const type = ndjson ? 'application/x-ndjson' : 'text/csv; charset=utf-8';
      const headers = { 'Content-Disposition': `attachment; filename="${jobId}.${ndjson ? 'ndjson' : 'csv'}"` };
      return { status: 200, type, headers, stream: jobs.read(jobId, 'output') };
    },
  });
}

function cancelJob({ jobs }: ApiDeps): AnyOperation {
  return operation({
    ...{ id: 'cancelJob', method: 'POST', path: '/api/v1/jobs/{jobId}/cancel', tag, params },
    summary: 'Ends a job at its next step; what is done stays done',
    permission: 'devices:write',
    reach: 'fleet',
    body: z.strictObject({}),
    example: {},
    answers: {
      200: { description: 'It is cancelled.', schema: jobSchema },
      202: { description: 'It ends soon.', schema: jobSchema },
    },
    problems: [404, 409],
    handle: async ({ params: { jobId }, caller, by }) => {
      const group = caller.group ?? undefined;
      const result = await jobs.cancel(jobId, by, group);
      const job = await jobs.get(jobId, group);
      if (result === 'missing' || job === undefined) return missing;
      if (result === 'ended' && job.state !== 'cancelled')
        return refuse(409, { code: 'job_ended', detail: `the job is ${job.state} already` });
      return { status: result === 'asked' ? 202 : 200, body: jobView(job) };
    },
  });
}
