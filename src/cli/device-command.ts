import type { Command } from 'commander';
import { type IdentityName, parseOuiSerial, realmOf, speaksFor } from '../fleet/identity.ts';
import { type DeviceFilter, type DeviceSort, deviceSorts } from '../fleet/listing.ts';
import { systemClock } from '../platform/clock.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { addDeviceCertificateCommands } from './device-certificate-command.ts';
import { addConflictCommands } from './device-conflicts-command.ts';
import { addDescribeCommand, addSerialCommand } from './device-describe-command.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, knownAnchors, oneDevice, withRegister } from './device-access.ts';
import { filterOf, withFilter } from './device-filter.ts';
import { addIdentityCommands } from './device-identity-command.ts';
import { addMoveCommands } from './device-move-command.ts';
import { addShippingCommands } from './device-shipping-command.ts';
import { addWishCommands } from './device-wishes-command.ts';
import { addWakeCommand } from './device-wake-command.ts';
import { printDevice, printDevices } from './device-view.ts';
import { exitCodes, failure } from './failure.ts';
import { identityName } from './identity-name.ts';
import { byOperator } from './operator.ts';
import { addParameterCommand } from './parameter-command.ts';
import { print, printJson } from './terminal.ts';
import { addTraceCommand } from './trace-command.ts';
import { addTransferCommands } from './transfer-command.ts';

interface AddOptions extends DeviceOptions {
  readonly anchor: string;
  readonly identity: string;
  readonly device?: string;
  readonly serial?: string;
  readonly note?: string;
}

interface ListOptions extends DeviceOptions, DeviceFilter {
  readonly limit: number;
  readonly after?: string;
  readonly sort: DeviceSort;
  readonly descending?: boolean;
}

export function addDeviceCommands(hems: Command): void {
  const device = hems.command('device').description('the register: who may come in');
  registerOptions(device.command('add'))
    .description('enrol a device, or give a device a further identity')
    .requiredOption('--anchor <name>', 'the trust anchor that vouches for the identity')
    .requiredOption('--identity <fqdn>', '00a0bc000001.hnb.acme.example, or OUI[-ProductClass]-Serial')
    .option('--device <device>', 'link the identity to this device instead of making a new one')
    .option('--serial <oui-serial>', 'OUI[-ProductClass]-Serial from the shipping file, instead of learning it')
    .option('--note <text>', 'a remark')
    .option('--reason <text>', 'for the audit')
    .action(add);
  withFilter(registerOptions(device.command('list')), () => systemClock.now())
    .description('the devices of the register, in the order of their registration or another one')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .option('--sort <order>', deviceSorts.join(', '), oneOf(deviceSorts), 'registered')
    .option('--descending', 'the other way round')
    .option('--after <next>', 'go on behind the page before, in the same order')
    .action(list);
  registerOptions(device.command('show'))
    .description('one device with its identities, certificates, last Inform, decisions and changes')
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .action(show);
  addDescribeCommand(device);
  addSerialCommand(device);
  addShippingCommands(device);
  addMoveCommands(device);
  addIdentityCommands(device, addTo);
  addDeviceCertificateCommands(device);
  addConflictCommands(device);
  addWishCommands(device);
  addTransferCommands(device);
  addParameterCommand(device);
  addTraceCommand(device);
  addWakeCommand(device);
}

/** `device identity add`: the same as `device add --device`. */
function addTo(text: string, options: Omit<AddOptions, 'device'>): Promise<void> {
  return add({ ...options, device: text });
}

async function add(options: AddOptions): Promise<void> {
  const name = identityName(options.identity);
  const serial = options.serial === undefined ? undefined : parseOuiSerial(options.serial)?.names;
  if (options.serial !== undefined && serial === undefined)
    throw failure(exitCodes.usage, `${JSON.stringify(options.serial)} is not OUI[-ProductClass]-Serial`);
  checkAnchor(options, name);
  await withRegister(options, async (register) => {
    const deviceId = options.device === undefined ? undefined : await oneDevice(register, options.device);
    const result = await register.add(
      {
        identity: { anchor: options.anchor, ...name },
        ...(deviceId !== undefined && { deviceId }),
        ...(serial !== undefined && { serial }),
        ...(options.note !== undefined && { note: options.note }),
      },
      byOperator(options.reason),
    );
    if (!result.ok) throw failure(exitCodes.no, result.problem.message);
    if (options.json === true) return void printJson(result);
    const what = result.created ? 'is enrolled' : result.changed ? 'has the identity now' : 'was enrolled already';
    print(`Device ${result.deviceId} ${what}.`);
  });
}

/** An identity that its anchor may not speak for could never come in: better said now than found out in the field. */
function checkAnchor(options: AddOptions, name: IdentityName): void {
  const anchors = knownAnchors(options);
  if (anchors === undefined) return;
  const anchor = anchors.find((one) => one.name === options.anchor);
  if (anchor === undefined)
    throw failure(
      exitCodes.usage,
      `there is no trust anchor ${JSON.stringify(options.anchor)}`,
      `known are ${anchors.map((one) => one.name).join(', ')}`,
    );
  if (!speaksFor(anchor.realms, name))
    throw failure(
      exitCodes.usage,
      `anchor ${options.anchor} may not speak for the realm ${realmOf(name.value)}`,
      `its realms are ${anchor.realms.join(', ') || 'none'}`,
    );
}

async function list(options: ListOptions): Promise<void> {
  await withRegister(options, async (register) => {
    const order = { sort: options.sort, descending: options.descending === true };
    const page = { limit: options.limit, order, ...(options.after !== undefined && { after: options.after }) };
    const found = await register.list(filterOf(options), page);
    if (options.json === true) printJson(found);
    else printDevices(found, { expiry: options.expiresBefore !== undefined });
  });
}

async function show(text: string, options: DeviceOptions): Promise<void> {
  await withRegister(options, async (register) => {
    const details = await register.show(await oneDevice(register, text));
    if (details === undefined) throw failure(exitCodes.no, `there is no device ${text}`);
    if (options.json === true) printJson(details);
    else printDevice(details);
  });
}
