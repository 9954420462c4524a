import type { Command } from 'commander';
import type { DeviceFilter } from '../fleet/listing.ts';
import type { By, StateResult } from '../fleet/register.ts';
import type { ManyMove } from '../fleet/register-many.ts';
import { systemClock } from '../platform/clock.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice, tellState, withRegister } from './device-access.ts';
import { fingerprintOf, identityWith } from './device-certificate-command.ts';
import { filterOf, isEmpty, withFilter } from './device-filter.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import type { RegisterAccess } from './server/remote-register.ts';
import { progressLine } from './progress.ts';
import { counted, print, printJson } from './terminal.ts';

interface MoveOptions extends DeviceOptions, DeviceFilter {
  readonly yes?: boolean;
}

const verbs: Readonly<Record<ManyMove, { readonly says: string; readonly needsReason?: true }>> = {
  block: { says: 'keep devices out; what they have open is closed within seconds' },
  unblock: { says: 'let blocked devices in again' },
  approve: { says: 'let in a quarantined device or a new key that is held' },
  reject: { says: 'turn away a quarantined device, or the held key of a known one' },
  retire: { says: 'scrap devices: identity and audit stay, everything else is erased', needsReason: true },
};

const someDevice = 'id, identity, OUI-Serial, or fingerprint of a certificate';

export function addMoveCommands(device: Command): void {
  for (const [move, { says, needsReason }] of Object.entries(verbs) as [ManyMove, (typeof verbs)[ManyMove]][]) {
    const command = withFilter(registerOptions(device.command(move)), () => systemClock.now())
      .description(says)
      .argument('[device]', `${someDevice}; or choose several by the options`)
      .option('--yes', 'do it to all that the options choose; without it they are only counted')
      .action((text: string | undefined, options: MoveOptions) => runMove(move, text, options));
    if (needsReason) command.requiredOption('--reason <text>', 'for the audit');
    else command.option('--reason <text>', 'for the audit');
  }
  registerOptions(device.command('replace'))
    .description('NEW takes tags, site and pending tasks of OLD, which is blocked for good')
    .argument('<old>', someDevice)
    .argument('<new>', someDevice)
    .requiredOption('--reason <text>', 'for the audit')
    .action(replace);
  registerOptions(device.command('rebind'))
    .description('the same device with a new certificate after repair; its other keys are turned away')
    .argument('<device>', someDevice)
    .requiredOption('--fingerprint <sha256>', 'of the new certificate, seen already or not')
    .option('--anchor <name>', 'with --identity: which of its identities, where the certificate was not seen yet')
    .option('--identity <fqdn>', 'with --anchor')
    .requiredOption('--reason <text>', 'what was repaired')
    .action(rebind);
}

async function runMove(move: ManyMove, text: string | undefined, options: MoveOptions): Promise<void> {
  const filter = filterOf(options);
  if ((text === undefined) === isEmpty(filter))
    throw failure(exitCodes.usage, 'name one device, or choose several by --tag, --site, --state and the like');
  const by = byOperator(options.reason);
  await withRegister(options, (register) =>
    text === undefined ? moveAll(register, move, filter, options, by) : moveOne(register, move, text, options, by),
  );
}

async function moveOne(
  register: RegisterAccess,
  move: ManyMove,
  text: string,
  options: MoveOptions,
  by: By,
): Promise<void> {
  const deviceId = await oneDevice(register, text);
  const fingerprint = /^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined;
  const result: StateResult =
    move === 'approve' ? await register.approve(deviceId, by, fingerprint) : await register[move](deviceId, by);
  tellState(result, options);
}

async function moveAll(
  register: RegisterAccess,
  move: ManyMove,
  filter: DeviceFilter,
  { yes, json }: MoveOptions,
  by: By,
): Promise<void> {
  const count = await register.countForMove(move, filter);
  if (yes !== true) {
    if (json === true) return void printJson({ move, devices: count, dryRun: true });
    return print(`${move} would concern ${counted(count, 'device')}. Add --yes to do it.`);
  }
  const progress = progressLine(count);
  const result = await register.moveMany(move, filter, by, ({ moved }) => progress.at(moved));
  progress.end();
  if (json === true) printJson({ move, ...result });
  else {
    print(`${move}: ${counted(result.moved, 'device')}.`);
    for (const { message } of result.left) print(`  left: ${message}`);
  }
  if (result.left.length > 0) process.exitCode = exitCodes.no;
}

async function replace(oldText: string, newText: string, options: DeviceOptions): Promise<void> {
  await withRegister(options, async (register) => {
    const [oldId, newId] = [await oneDevice(register, oldText), await oneDevice(register, newText)];
    const result = await register.replace(oldId, newId, byOperator(options.reason));
    tellState(result, options, ` ${newId} has taken its place.`);
  });
}

interface RebindOptions extends DeviceOptions {
  readonly fingerprint: string;
  readonly anchor?: string;
  readonly identity?: string;
}

async function rebind(text: string, options: RebindOptions): Promise<void> {
  const input = { fingerprint: fingerprintOf(options.fingerprint), ...identityWith(options) };
  await withRegister(options, async (register) => {
    const deviceId = await oneDevice(register, text);
    tellState(await register.rebind({ deviceId, ...input }, byOperator(options.reason)), options);
  });
}
