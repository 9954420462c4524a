import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceFilter } from '../../fleet/listing.ts';
import type { ManyResult } from '../../fleet/register-many.ts';
import type { By, Register } from '../../fleet/register.ts';
import type { Job } from '../../platform/jobs.ts';
import { exitCodes, failure } from '../failure.ts';
import type { Api } from './api.ts';

export type WireJob = Pick<Job, 'id' | 'state' | 'done' | 'total' | 'result' | 'fault'> & {
  readonly output: string | null;
};

const bulk = '/api/v1/bulk/device-moves';
const between = 500;

/** Follows a job to its end. What was not done to the end is a failure, with what came of it. */
export async function jobDone(api: Api, first: WireJob, onProgress: (job: WireJob) => void): Promise<WireJob> {
  let job = first;
  while (job.state === 'queued' || job.state === 'running') {
    onProgress(job);
    await sleep(between);
    job = await api.get<WireJob>(`/api/v1/jobs/${job.id}`);
  }
  onProgress(job);
  if (job.state === 'done') return job;
  throw failure(
    exitCodes.no,
    `job ${job.id} is ${job.state}${job.fault === null ? '' : `: ${job.fault}`}`,
    `what came of it so far: ${JSON.stringify(job.result)}`,
  );
}

interface Move {
  readonly move: string;
  readonly filter: DeviceFilter;
  readonly format?: 'csv' | 'ndjson';
}

/** Asks how many first, and then does it to so many and no others. */
export async function moveByJob(
  api: Api,
  wanted: Move,
  { reason }: By,
  onProgress: (job: WireJob) => void,
): Promise<WireJob | undefined> {
  const confirm = await countFor(api, wanted);
  if (confirm === 0) return undefined;
  const body = { ...wanted, confirm, reason: reason ?? 'none given at the command line' };
  const said = await api.ask<WireJob>('POST', bulk, { body, problems: [409] });
  if (said.ok) return jobDone(api, said.body, onProgress);
  throw failure(exitCodes.no, said.problem.detail, 'others came or went meanwhile: look again');
}

async function countFor(api: Api, wanted: Move): Promise<number> {
  // The reason of a dry run stands nowhere.
  const said = await api.ask<{ devices: number }>('POST', bulk, { body: { ...wanted, reason: 'dry run' } });
  return said.ok ? said.body.devices : 0;
}

export function remoteMany(api: Api): Pick<Register, 'countForMove' | 'moveMany'> {
  return {
    countForMove: (move, filter) => countFor(api, { move, filter }),
    moveMany: async (move, filter, by, onBatch) => {
      const job = await moveByJob(api, { move, filter }, by, ({ done }) => onBatch?.({ moved: done }));
      return job === undefined ? { moved: 0, left: [] } : (job.result as unknown as ManyResult);
    },
  };
}
