import type { Command } from 'commander';
import { type TaskState, taskStates } from '../fleet/task.ts';
import { taskKinds } from '../fleet/task-request-schema.ts';
import { oneOf, span, wholeNumber } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice } from './device-access.ts';
import { wakeFor } from './device-wake-command.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { requestOf } from './task-arguments.ts';
import { addManyTasksCommand } from './task-many-command.ts';
import { oneTask, queue, withTasks } from './task-access.ts';
import { type TimingOptions, timingOf, withTiming } from './task-timing.ts';
import { printTask, printTasks, shownTask } from './task-view.ts';
import { waitFor } from './task-waiting.ts';
import { print, printJson } from './terminal.ts';

interface AddOptions extends DeviceOptions, TimingOptions {
  readonly after?: string;
  readonly wait?: number;
}

interface ListOptions extends DeviceOptions {
  readonly device?: string;
  readonly state?: TaskState;
  readonly limit: number;
}

export function addTaskCommands(hems: Command): void {
  const task = hems.command('task').description('what is wanted of devices');
  withTiming(registerOptions(task.command('add')), 'task')
    .description(`queue a task: ${taskKinds.join(', ')}`)
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .argument('<kind>', 'what to do')
    .argument('[arguments...]', 'name=value; a value may be JSON: paths=[\\"Device.\\"]')
    .option('--after <task>', 'only once that task of the device is done')
    .option('--wait <span>', 'wait for the outcome', span)
    .option('--reason <text>', 'for the audit')
    .action(add);
  addManyTasksCommand(task);
  registerOptions(task.command('list'))
    .description('tasks, the latest first')
    .option('--device <device>', 'of one device')
    .option('--state <state>', taskStates.join(', '), oneOf(taskStates))
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(list);
  registerOptions(task.command('show'))
    .description('one task and what became of it')
    .argument('<task>', 'id, or at least eight characters of it')
    .action((text: string, options: DeviceOptions) => show(text, options));
  registerOptions(task.command('cancel'))
    .description('take back a task that the device has not got yet')
    .argument('<task>', 'id, or at least eight characters of it')
    .option('--reason <text>', 'for the audit')
    .action(cancel);
}

async function add(device: string, kind: string, pairs: readonly string[], options: AddOptions): Promise<void> {
  const request = requestOf(kind, pairs);
  await withTasks(options, async (access) => {
    const deviceId = await oneDevice(access.register, device);
    const { task, created } = await queue(access, deviceId, request, {
      ...timingOf(options),
      ...(options.reason !== undefined && { reason: options.reason }),
      ...(options.after !== undefined && { dependsOn: (await oneTask(access, options.after)).id }),
    });
    if (options.wait !== undefined && created) await wakeFor(access, deviceId, task.id, options.reason);
    const last = options.wait === undefined ? task : await waitFor(access, task, options.wait);
    if (options.json === true) return printJson(shownTask(last));
    if (options.wait !== undefined) return printTask(last);
    print(`Task ${task.id} ${created ? 'is queued' : `was queued already, and is ${task.state}`}.`);
  });
}

async function list(options: ListOptions): Promise<void> {
  await withTasks(options, async (access) => {
    const { device, state, limit } = options;
    const deviceId = device === undefined ? undefined : await oneDevice(access.register, device);
    const tasks = (await access.tasks.list({ deviceId, state }, limit)).map(shownTask);
    if (options.json === true) printJson(tasks);
    else printTasks(tasks);
  });
}

async function show(text: string, options: DeviceOptions): Promise<void> {
  await withTasks(options, async (access) => {
    const task = await oneTask(access, text);
    if (options.json === true) printJson(shownTask(task));
    else printTask(task);
  });
}

async function cancel(text: string, options: DeviceOptions): Promise<void> {
  await withTasks(options, async (access) => {
    const { deviceId, id } = await oneTask(access, text);
    const result = await access.tasks.cancel(deviceId, id, byOperator(options.reason));
    if (!result.ok) throw failure(exitCodes.no, result.problem.message, result.problem.remedy);
    if (options.json === true) return printJson(shownTask(result.task));
    print(`Task ${id} is cancelled${result.changed ? '' : ' already'}.`);
  });
}
