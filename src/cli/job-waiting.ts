import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, failure } from './failure.ts';
import type { JobAccess, ShownJob } from './job-access.ts';
import { progressLine } from './progress.ts';

const between = 500;
/** Milliseconds after which somebody should have taken it up. */
const takenUpWithin = 15_000;

/** Waits for the end of a job, with a bar where a person looks; what was not done to the end is exit code 1. */
export async function jobEnd(access: JobAccess, first: ShownJob, within: number): Promise<ShownJob> {
  const started = performance.now();
  const progress = progressLine(first.total ?? 0, first.kind === 'device-import' ? 'bytes' : 'devices');
  let job = first;
  let told = false;
  while ((job.state === 'queued' || job.state === 'running') && performance.now() - started < within) {
    progress.at(job.done);
    if (job.state === 'queued' && !told && performance.now() - started > takenUpWithin) {
      told = true;
      process.stderr.write('No server has taken it up yet; "hems serve" does.\n');
    }
    await sleep(between);
    job = (await access.get(job.id)) ?? job;
  }
  progress.end();
  if (job.state === 'done') return job;
  const result = `what came of it so far: ${JSON.stringify(job.result)}`;
  if (job.state === 'failed' || job.state === 'cancelled')
    throw failure(exitCodes.no, `job ${job.id} is ${job.state}${job.fault === null ? '' : `: ${job.fault}`}`, result);
  throw failure(
    exitCodes.no,
    `job ${job.id} is ${job.state} after ${Math.round(within / 1000)} s, and goes on`,
    result,
  );
}
