import { createFleetJobs } from '../fleet/jobs/fleet-jobs.ts';
import { storedFilter } from '../fleet/jobs/job-input.ts';
import { statesWithTasks } from '../fleet/jobs/tasks-job.ts';
import type { DeviceFilter } from '../fleet/listing.ts';
import { type By, createRegister } from '../fleet/register.ts';
import type { TaskRequest } from '../fleet/task.ts';
import { withoutSecrets } from '../fleet/task-hiding.ts';
import { systemClock } from '../platform/clock.ts';
import type { CancelResult, Job } from '../platform/jobs.ts';
import type { Database } from '../platform/postgres.ts';
import { commandLogger, type ConfigOptions, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { remoteJobAccess } from './server/remote-jobs.ts';
import { serverApi } from './server/server-api.ts';
import type { TaskTiming } from './task-timing.ts';

/** A job as people see it, beside the database and by the API alike. */
export type ShownJob = Pick<
  Job,
  | 'id'
  | 'kind'
  | 'state'
  | 'done'
  | 'total'
  | 'input'
  | 'result'
  | 'fault'
  | 'reason'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
> & {
  readonly actor: string;
  /** There is a file that comes of it. */
  readonly output: boolean;
};

export interface ManyTasks {
  readonly filter: DeviceFilter;
  readonly request: TaskRequest;
  readonly options: TaskTiming;
}

export interface JobAccess {
  /** Newest first. */
  list(limit: number): Promise<readonly ShownJob[]>;
  get(id: string): Promise<ShownJob | undefined>;
  cancel(id: string): Promise<CancelResult>;
  output(id: string): AsyncIterable<Uint8Array>;
  /** Devices that it would concern. */
  countForTasks(wanted: ManyTasks): Promise<number>;
  /** To so many devices and no others. */
  queueTasks(wanted: ManyTasks, count: number, by: By): Promise<ShownJob>;
}

export function withJobs<T>(options: ConfigOptions, fn: (access: JobAccess) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(remoteJobAccess(api));
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, (db) => fn(localJobs(db)));
}

function localJobs(db: Database): JobAccess {
  const deps = { db, clock: systemClock };
  const jobs = createFleetJobs(deps);
  const register = createRegister(deps);
  const count = ({ filter }: ManyTasks): Promise<number> => register.countInStates(filter, statesWithTasks);
  return {
    list: async (limit) => (await jobs.list({ limit })).map(shown),
    get: async (id) => {
      const job = await jobs.get(id);
      return job && shown(job);
    },
    cancel: (id) => jobs.cancel(id, byOperator()),
    output: (id) => jobs.read(id, 'output'),
    countForTasks: count,
    queueTasks: async (wanted, confirm, { actor, reason }) => {
      const { filter, request, options } = wanted;
      const { idempotencyKey, ...when } = options;
      const total = await count(wanted);
      if (total !== confirm) throw differs(total, confirm);
      const input = { filter: storedFilter(filter), request, ...when };
      const { job } = await jobs.create({ kind: 'device-tasks', input, actor, total, reason, idempotencyKey });
      if (job.kind !== 'device-tasks')
        throw failure(exitCodes.no, `the key is that of job ${job.id}, a ${job.kind}`, 'take a new one');
      return shown(job);
    },
  };
}

export function differs(count: number, confirm: number) {
  const cause = `it would concern ${count} devices, not ${confirm}`;
  return failure(exitCodes.no, cause, 'others came or went meanwhile: look again');
}

function shown(job: Job): ShownJob {
  const { id, kind, state, done, total, input, result, fault, reason, createdAt, startedAt, finishedAt } = job;
  const handover = kind === 'device-moves' && (input as { move?: string }).move === 'handover';
  const output = handover || (kind === 'device-import' && Number(result.rejected ?? 0) > 0);
  const times = { createdAt, startedAt, finishedAt };
  return {
    ...{ id, kind, state, done, total, input: withoutSecrets(input), result, fault },
    ...{ output, actor: job.actor.name, reason, ...times },
  };
}

/** The one job that a person means. */
export async function oneJob(access: JobAccess, text: string): Promise<ShownJob> {
  const whole = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
  const found = whole ? [await access.get(text)] : await beginningWith(access, text);
  const [job] = found;
  if (job === undefined)
    throw failure(exitCodes.no, `there is no job ${JSON.stringify(text)}`, '"hems job list" shows them');
  if (found.length > 1) throw failure(exitCodes.usage, `several jobs begin with ${text}`, 'write more of it');
  return job;
}

async function beginningWith(access: JobAccess, text: string): Promise<readonly ShownJob[]> {
  if (text.length < 8) return [];
  return (await access.list(1000)).filter(({ id }) => id.startsWith(text.toLowerCase()));
}
