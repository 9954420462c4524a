import type { Command } from 'commander';
import type { Task, TaskRequest } from '../fleet/task.ts';
import { span } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice } from './device-access.ts';
import { wakeFor } from './device-wake-command.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { printParameters } from './parameter-command.ts';
import { queue, type TaskAccess, withTasks } from './task-access.ts';
import { shownTask } from './task-view.ts';
import { waitFor } from './task-waiting.ts';
import { print, printJson } from './terminal.ts';

interface WishOptions extends DeviceOptions {
  readonly timeout: number;
}

interface GetOptions extends WishOptions {
  readonly reveal?: boolean;
}

/** Commands that queue a task and wait for it. */
export function addWishCommands(device: Command): void {
  const wish = (name: string, description: string): Command =>
    registerOptions(device.command(name))
      .description(`${description}; waits for the device`)
      .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
      .option('--timeout <span>', 'how long to wait; the task stays queued after that', span, 600_000)
      .option('--reason <text>', 'for the audit');
  wish('get', 'read parameters from the device')
    .argument('<paths...>', 'Device.X.Y, or Device.X. for all below')
    .option('--reveal', 'show IMSIs and the like; who asked, and why, is recorded')
    .action(get);
  wish('set', 'write parameters, all or none')
    .argument('<pairs...>', 'Device.X.Y=value, or Device.X.Y:unsignedInt=value')
    .action(set);
  wish('reboot', 'reboot the device').action((text: string, options: WishOptions) =>
    carryOut(text, { kind: 'reboot' }, options),
  );
  wish('factory-reset', 'make it forget everything').action((text: string, options: WishOptions) =>
    carryOut(text, { kind: 'factory-reset' }, options),
  );
  wish('cancel-transfer', 'have it give up a transfer that it has not begun (CancelTransfer)')
    .argument('<key>', 'its CommandKey, as "hems device transfers" shows it')
    .action((text: string, commandKey: string, options: WishOptions) =>
      carryOut(text, { kind: 'cancel-transfer', commandKey }, options),
    );
  wish('add-object', 'add an instance to a table')
    .argument('<object>', 'Device.X.')
    .action((text: string, object: string, options: WishOptions) =>
      carryOut(text, { kind: 'add-object', object }, options),
    );
  wish('delete-object', 'delete an instance')
    .argument('<object>', 'Device.X.1.')
    .action((text: string, object: string, options: WishOptions) =>
      carryOut(text, { kind: 'delete-object', object }, options),
    );
}

async function finished(access: TaskAccess, text: string, request: TaskRequest, options: WishOptions): Promise<Task> {
  const deviceId = await oneDevice(access.register, text);
  const { task } = await queue(access, deviceId, request, { reason: options.reason });
  await wakeFor(access, deviceId, task.id, options.reason);
  return waitFor(access, task, options.timeout);
}

async function carryOut(text: string, request: TaskRequest, options: WishOptions): Promise<void> {
  await withTasks(options, async (access) => {
    const task = await finished(access, text, request, options);
    if (options.json === true) return printJson(shownTask(task));
    const { object } = task.result ?? {};
    print(typeof object === 'string' ? `Done: ${object}` : 'Done.');
  });
}

/** What `device get` prints of one path; the rest is a listing. */
const mostShown = 10_000;

async function get(text: string, paths: readonly string[], options: GetOptions): Promise<void> {
  const { reveal = false, reason } = options;
  if (reveal && (reason ?? '') === '')
    throw failure(exitCodes.usage, 'what is personal is shown for a reason', 'give one: --reason "…"');
  await withTasks(options, async (access) => {
    const [path = ''] = paths;
    const request: TaskRequest =
      paths.length === 1 && path.endsWith('.') ? { kind: 'read-tree', path } : { kind: 'read-values', paths };
    const { deviceId } = await finished(access, text, request, options);
    const { parameters: reading } = access;
    const page = { limit: mostShown };
    const pages = await Promise.all(
      paths.map((one) =>
        reveal ? reading.reveal(deviceId, one, page, byOperator(reason)) : reading.below(deviceId, one, page),
      ),
    );
    const parameters = pages.flatMap((page) => page.parameters).filter(({ name }) => !name.endsWith('.'));
    if (options.json === true) printJson(parameters);
    else printParameters(parameters);
  });
}

async function set(text: string, pairs: readonly string[], options: WishOptions): Promise<void> {
  const values = pairs.map((pair) => {
    const [, name, type, value] = /^([^=:]+)(?::(\w+))?=([\s\S]*)$/.exec(pair) ?? [];
    if (name === undefined || value === undefined)
      throw failure(exitCodes.usage, `${JSON.stringify(pair.slice(0, 80))} is not Device.X.Y=value`);
    return { name, value, ...(type !== undefined && { type }) };
  });
  await carryOut(text, { kind: 'write-values', values }, options);
}
