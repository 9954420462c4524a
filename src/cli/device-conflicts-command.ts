import type { Command } from 'commander';
import type { ConflictPage } from '../fleet/conflicts.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice, tellState, withRegister } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { print, printJson, table } from './terminal.ts';

interface ListOptions extends DeviceOptions {
  readonly limit: number;
  readonly after?: string;
}

interface SettleOptions extends DeviceOptions {
  readonly for: 'holder' | 'claimant';
  readonly serialNumber?: string;
}

export function addConflictCommands(device: Command): void {
  const conflicts = device
    .command('conflicts')
    .description('serials that one device claims and another has, until a person settles them');
  registerOptions(conflicts.command('list', { isDefault: true }))
    .description('those that nobody has settled')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .option('--after <claimant oui class serial>', 'go on behind this one: the four words of --json, joined by spaces')
    .action(list);
  registerOptions(conflicts.command('settle'))
    .description('say whose serial it is; it stays or moves, and the other device is refused with it')
    .argument('<claimant>', 'the device that claims it: id, identity, or fingerprint of a certificate')
    .requiredOption('--for <whom>', 'holder or claimant', oneOf(['holder', 'claimant']))
    .requiredOption('--reason <text>', 'for the audit')
    .option('--serial-number <text>', 'which one, where it claims several')
    .action(settle);
}

async function list(options: ListOptions): Promise<void> {
  const [claimant, oui, productClass, serialNumber] = options.after?.split(' ') ?? [];
  if (options.after !== undefined && (serialNumber === undefined || !/^[0-9a-f-]{36}$/i.test(claimant ?? '')))
    throw failure(exitCodes.usage, '--after is not what "next" of the page before said');
  const after =
    claimant === undefined || oui === undefined || productClass === undefined || serialNumber === undefined
      ? undefined
      : { claimant, oui, productClass, serialNumber };
  await withRegister(options, async (register) => {
    const page = await register.conflicts({ limit: options.limit, ...(after && { after }) });
    if (options.json === true) printJson(page);
    else printConflicts(page);
  });
}

function printConflicts({ conflicts, next }: ConflictPage): void {
  if (conflicts.length === 0) return void print('No conflict.');
  print(
    table(conflicts, [
      { title: 'SERIAL', value: ({ oui, productClass, serialNumber }) => [oui, productClass, serialNumber].join('-') },
      { title: 'CLAIMED BY', value: ({ claimant }) => claimant },
      { title: 'HELD BY', value: ({ holder }) => holder },
      { title: 'HOW', value: ({ kind }) => (kind === 'claimed' ? 'its Inform' : 'lost to a shipping file') },
      { title: 'TIMES', value: ({ claims }) => String(claims) },
      { title: 'LAST', value: ({ lastAt }) => lastAt.toISOString().slice(0, 19) },
    ]),
  );
  if (next !== undefined)
    print(`More: --after "${[next.claimant, next.oui, next.productClass, next.serialNumber].join(' ')}"`);
  print('Settle one: hems device conflicts settle CLAIMANT --for holder|claimant --reason TEXT');
}

async function settle(text: string, options: SettleOptions): Promise<void> {
  await withRegister(options, async (register) => {
    const claimant = await oneDevice(register, text);
    const result = await register.settleConflict(
      {
        claimant,
        inFavourOf: options.for,
        ...(options.serialNumber !== undefined && { serialNumber: options.serialNumber }),
      },
      byOperator(options.reason),
    );
    tellState(
      result,
      options,
      options.for === 'claimant' ? ' The serial is its own now.' : ' The serial stays where it is.',
    );
  });
}
