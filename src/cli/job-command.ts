import type { Command } from 'commander';
import { registerOptions } from './access-options.ts';
import { span, wholeNumber } from './arguments.ts';
import type { DeviceOptions } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { writeOut } from './file-command.ts';
import { oneJob, withJobs } from './job-access.ts';
import { printJob, printJobs } from './job-view.ts';
import { jobEnd } from './job-waiting.ts';
import { print, printJson } from './terminal.ts';

const someJob = ['<job>', 'id, or at least eight characters of it'] as const;

export function addJobCommands(hems: Command): void {
  const job = hems.command('job').description('long work: moves, tasks and files of many devices, checks of the audit');
  registerOptions(job.command('list'))
    .description('jobs, the latest first; kept for thirty days')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(list);
  registerOptions(job.command('show'))
    .description('how far one is, and what came of it')
    .argument(...someJob)
    .option('--output <file>', 'write the file out that comes of it: rejected rows, records of a handover; "-" here')
    .action(show);
  registerOptions(job.command('wait'))
    .description('wait until it has ended')
    .argument(...someJob)
    .option('--timeout <span>', 'how long; the job goes on after that', span, 3_600_000)
    .action(wait);
  registerOptions(job.command('cancel'))
    .description('end it at its next step; what is done stays done')
    .argument(...someJob)
    .action(cancel);
}

async function list(options: DeviceOptions & { readonly limit: number }): Promise<void> {
  await withJobs(options, async (access) => {
    const jobs = await access.list(options.limit);
    if (options.json === true) printJson(jobs);
    else printJobs(jobs);
  });
}

async function show(text: string, options: DeviceOptions & { readonly output?: string }): Promise<void> {
  await withJobs(options, async (access) => {
    const job = await oneJob(access, text);
    if (options.output === undefined) return options.json === true ? printJson(job) : printJob(job);
    if (!job.output) throw failure(exitCodes.no, `no file comes of job ${job.id}`, `hems job show ${job.id}`);
    await writeOut(access.output(job.id), options.output);
  });
}

async function wait(text: string, options: DeviceOptions & { readonly timeout: number }): Promise<void> {
  await withJobs(options, async (access) => {
    const job = await jobEnd(access, await oneJob(access, text), options.timeout);
    if (options.json === true) printJson(job);
    else printJob(job);
  });
}

async function cancel(text: string, options: DeviceOptions): Promise<void> {
  await withJobs(options, async (access) => {
    const { id } = await oneJob(access, text);
    const result = await access.cancel(id);
    const job = await access.get(id);
    if (result === 'missing' || job === undefined) throw failure(exitCodes.no, `there is no job ${id}`);
    if (result === 'ended' && job.state !== 'cancelled')
      throw failure(exitCodes.no, `job ${id} is ${job.state} already`);
    if (options.json === true) return printJson(job);
    print(`Job ${id} ${result === 'asked' ? 'ends at its next step' : 'is cancelled'}.`);
  });
}
