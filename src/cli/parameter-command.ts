import type { Command } from 'commander';
import type { KnownParameter } from '../fleet/parameter-reading.ts';
import { wholeNumber } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { withTasks } from './task-access.ts';
import { print, printJson, table } from './terminal.ts';

interface Options extends DeviceOptions {
  readonly after?: string;
  readonly limit: number;
  readonly reveal?: boolean;
}

export function addParameterCommand(device: Command): void {
  registerOptions(device.command('parameters'))
    .description('the last known values, without asking the device')
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .argument('[path]', 'Device.X.Y, or Device.X. for all below', '')
    .option('--limit <n>', 'how many', wholeNumber(1, 100_000), 1000)
    .option('--after <name>', 'go on behind this one')
    .option('--reveal', 'show IMSIs and the like; who asked, and why, is recorded')
    .option('--reason <text>', 'for the audit; --reveal asks for one')
    .action(parameters);
}

async function parameters(text: string, path: string, options: Options): Promise<void> {
  const { after, limit, reveal, reason } = options;
  if (reveal === true && (reason ?? '') === '')
    throw failure(exitCodes.usage, 'what is personal is shown for a reason', 'give one: --reason "…"');
  await withTasks(options, async ({ parameters: reading, register }) => {
    const deviceId = await oneDevice(register, text);
    const page = { limit, ...(after !== undefined && { after }) };
    const found =
      reveal === true
        ? await reading.reveal(deviceId, path, page, byOperator(reason))
        : await reading.below(deviceId, path, page);
    if (options.json === true) return printJson(found);
    printParameters(found.parameters);
    if (found.next !== undefined) print(`more: --after ${found.next}`);
  });
}

const notifications = ['off', 'passive', 'active'] as const;

export function printParameters(found: readonly KnownParameter[]): void {
  if (found.length === 0) return void print('Nothing is known of that.');
  print(
    table(found, [
      { title: 'NAME', value: ({ name }) => name, limit: 256 },
      {
        title: 'VALUE',
        value: ({ value }) => value ?? '',
        limit: 120,
        colour: (row) => (row.masked ? 'dim' : undefined),
      },
      { title: 'TYPE', value: ({ type }) => type ?? '' },
      { title: 'WRITABLE', value: ({ writable }) => (writable === null ? '' : writable ? 'yes' : 'no') },
      {
        title: 'NOTIFICATION',
        value: ({ notification }) =>
          notification === null ? '' : (notifications[notification] ?? String(notification)),
      },
      { title: 'SINCE', value: ({ since }) => since.toISOString() },
    ]),
  );
}
