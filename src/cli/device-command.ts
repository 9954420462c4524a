import type { Command } from 'commander';
import { deviceStates } from '../fleet/device.ts';
import { parseIdentityName, parseOuiSerial, realmOf } from '../fleet/identity.ts';
import type { DeviceFilter } from '../fleet/listing.ts';
import { createRegister, type Register, type StateResult } from '../fleet/register.ts';
import { systemClock } from '../platform/clock.ts';
import { anchorPlans } from '../simulator/development-authorities.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { type ConfigOptions, commandLogger, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { printDevice, printDevices } from './device-view.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { print, printJson } from './terminal.ts';

interface Options extends ConfigOptions {
  readonly json?: boolean;
  readonly reason?: string;
}

interface AddOptions extends Options {
  readonly anchor: string;
  readonly identity: string;
  readonly device?: string;
  readonly serial?: string;
  readonly note?: string;
}

interface ListOptions extends Options, DeviceFilter {
  readonly limit: number;
  readonly after?: string;
}

type StateVerb = 'block' | 'unblock' | 'approve';

export function addDeviceCommands(hems: Command): void {
  const device = hems.command('device').description('the register: who may come in');
  const options = (command: Command): Command =>
    command
      .option('--config <file>', 'configuration file (default: HEMS_CONFIG, or the embedded database)')
      .option('--data-dir <dir>', 'data directory of the embedded database (default: HEMS_DATA_DIR or ./var)')
      .option('--json', 'for machines');
  options(device.command('add'))
    .description('enrol a device, or give a device a further identity')
    .requiredOption('--anchor <name>', 'the trust anchor that vouches for the identity')
    .requiredOption('--identity <fqdn>', '00a0bc000001.hnb.acme.example, or OUI[-ProductClass]-Serial')
    .option('--device <device>', 'link the identity to this device instead of making a new one')
    .option('--serial <oui-serial>', 'OUI[-ProductClass]-Serial from the shipping file, instead of learning it')
    .option('--note <text>', 'a remark')
    .option('--reason <text>', 'for the audit')
    .action(add);
  options(device.command('list'))
    .description('the devices of the register, in the order of their registration')
    .option('--state <state>', deviceStates.join(', '), oneOf(deviceStates))
    .option('--anchor <name>', 'with an identity under this anchor')
    .option('--identity-prefix <text>', 'with an identity that begins so')
    .option('--oui <hex>', 'with this OUI')
    .option('--serial-number <text>', 'with this serial number')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .option('--after <device>', 'go on behind this one')
    .action(list);
  options(device.command('show'))
    .description('one device with its identities, certificates, last Inform, decisions and changes')
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .action(show);
  const verbs: Record<StateVerb, string> = {
    block: 'keep a device out, from its next connection or Inform on',
    unblock: 'let a blocked device in again',
    approve: 'let in a quarantined device or a new key that is held',
  };
  for (const [verb, description] of Object.entries(verbs) as [StateVerb, string][])
    options(device.command(verb))
      .description(description)
      .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
      .option('--reason <text>', 'for the audit')
      .action((text: string, chosen: Options) => changeState(verb, text, chosen));
}

function withRegister<T>(options: Options, fn: (register: Register) => Promise<T>): Promise<T> {
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, (db) =>
    fn(createRegister({ db, clock: systemClock })),
  );
}

async function add(options: AddOptions): Promise<void> {
  const name = parseIdentityName(options.identity);
  if (name === undefined)
    throw failure(
      exitCodes.usage,
      `${JSON.stringify(options.identity)} is no device identity`,
      'write <12 or 16 hex digits>.<realm>, or OUI[-ProductClass]-Serial',
    );
  const serial = options.serial === undefined ? undefined : parseOuiSerial(options.serial)?.names;
  if (options.serial !== undefined && serial === undefined)
    throw failure(exitCodes.usage, `${JSON.stringify(options.serial)} is not OUI[-ProductClass]-Serial`);
  checkAnchor(options, name.kind === 'hnb-fqdn' ? realmOf(name.value) : undefined);
  await withRegister(options, async (register) => {
    const deviceId = options.device === undefined ? undefined : await one(register, options.device);
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
function checkAnchor(options: AddOptions, realm: string | undefined): void {
  const config = toolConfig(options);
  const development = Object.values(anchorPlans).map(({ name, realm: only }) => ({ name, realms: [only] }));
  const anchors = config.anchors.length > 0 ? config.anchors : development;
  // A database named by DATABASE_URL alone: its anchors are in a file that is not here.
  if (config.anchors.length === 0 && config.database.url !== undefined) return;
  const anchor = anchors.find(({ name }) => name === options.anchor);
  if (anchor === undefined)
    throw failure(
      exitCodes.usage,
      `there is no trust anchor ${JSON.stringify(options.anchor)}`,
      `known are ${anchors.map(({ name }) => name).join(', ')}`,
    );
  const speaks = realm === undefined || anchor.realms.some((own) => realm === own || realm.endsWith(`.${own}`));
  if (!speaks)
    throw failure(
      exitCodes.usage,
      `anchor ${options.anchor} may not speak for the realm ${realm}`,
      `its realms are ${anchor.realms.join(', ') || 'none'}`,
    );
}

async function list({ json, config, dataDir, reason: _, limit, after, ...filter }: ListOptions): Promise<void> {
  const place = { ...(config !== undefined && { config }), ...(dataDir !== undefined && { dataDir }) };
  await withRegister(place, async (register) => {
    const page = await register.list(filter, { limit, ...(after !== undefined && { after }) });
    if (json === true) printJson(page);
    else printDevices(page);
  });
}

async function show(text: string, options: Options): Promise<void> {
  await withRegister(options, async (register) => {
    const details = await register.show(await one(register, text));
    if (details === undefined) throw failure(exitCodes.no, `there is no device ${text}`);
    if (options.json === true) printJson(details);
    else printDevice(details);
  });
}

async function changeState(verb: StateVerb, text: string, options: Options): Promise<void> {
  await withRegister(options, async (register) => {
    const deviceId = await one(register, text);
    const by = byOperator(options.reason);
    const fingerprint = /^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined;
    const result: StateResult =
      verb === 'approve' ? await register.approve(deviceId, by, fingerprint) : await register[verb](deviceId, by);
    if (!result.ok) throw failure(exitCodes.no, result.problem.message);
    if (options.json === true) return void printJson(result);
    print(`Device ${deviceId} is ${result.state}${result.changed ? '' : ' already'}.`);
  });
}

/** The one device that a person means. */
async function one(register: Register, text: string): Promise<string> {
  const found = await register.find(text);
  const [deviceId] = found;
  if (deviceId === undefined)
    throw failure(exitCodes.no, `there is no device ${JSON.stringify(text)}`, '"hems device list" shows them');
  if (found.length > 1)
    throw failure(exitCodes.usage, `${text} is ${found.length} devices: ${found.join(', ')}`, 'name one by its id');
  return deviceId;
}
