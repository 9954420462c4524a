import type { Command } from 'commander';
import type { DeviceFilter } from '../fleet/listing.ts';
import { refusalForMany } from '../fleet/task-policy.ts';
import { taskKinds } from '../fleet/task-request-schema.ts';
import { systemClock } from '../platform/clock.ts';
import { registerOptions } from './access-options.ts';
import { span } from './arguments.ts';
import type { DeviceOptions } from './device-access.ts';
import { filterOf, isEmpty, withFilter } from './device-filter.ts';
import { exitCodes, failure } from './failure.ts';
import { withJobs } from './job-access.ts';
import { printJob } from './job-view.ts';
import { jobEnd } from './job-waiting.ts';
import { byOperator } from './operator.ts';
import { requestOf } from './task-arguments.ts';
import { type TimingOptions, timingOf, withTiming } from './task-timing.ts';
import { counted, print, printJson } from './terminal.ts';

interface ManyOptions extends DeviceOptions, DeviceFilter, TimingOptions {
  readonly wait?: number;
  readonly yes?: boolean;
}

export function addManyTasksCommand(task: Command): void {
  withTiming(
    withFilter(registerOptions(task.command('add-many')), () => systemClock.now()),
    'job',
  )
    .description('queue the same task for all devices that the options choose; first without --yes, which counts them')
    .argument('<kind>', `what to do: ${taskKinds.join(', ')}`)
    .argument('[arguments...]', 'name=value; a value may be JSON: paths=[\\"Device.\\"]')
    .option('--yes', 'do it; without it they are only counted')
    .option('--wait <span>', 'until every device has its task', span)
    .option('--reason <text>', 'for the audit')
    .action(addMany);
}

async function addMany(kind: string, pairs: readonly string[], options: ManyOptions): Promise<void> {
  const request = requestOf(kind, pairs);
  const filter = filterOf(options);
  if (isEmpty(filter)) throw failure(exitCodes.usage, 'choose devices by --tag, --site, --state and the like');
  const refusal = refusalForMany(request);
  if (refusal !== undefined) throw failure(exitCodes.no, refusal.message, refusal.remedy);
  const wanted = { filter, request, options: timingOf(options) };
  await withJobs(options, async (access) => {
    const count = await access.countForTasks(wanted);
    if (options.yes !== true) {
      if (options.json === true) return printJson({ kind, devices: count, dryRun: true });
      return print(`${kind} would concern ${counted(count, 'device')}. Add --yes to do it.`);
    }
    const job = await access.queueTasks(wanted, count, byOperator(options.reason));
    const last = options.wait === undefined ? job : await jobEnd(access, job, options.wait);
    if (options.json === true) return printJson(last);
    if (options.wait !== undefined) return printJob(last);
    print(`Job ${job.id} queues ${kind} for ${counted(count, 'device')}. Follow it: hems job wait ${job.id}`);
  });
}
