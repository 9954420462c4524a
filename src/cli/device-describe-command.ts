import type { Command } from 'commander';
import { parseOuiSerial } from '../fleet/identity.ts';
import type { Described } from '../fleet/register-describing-queries.ts';
import { mostTags, tagPattern } from '../fleet/shipping-record.ts';
import { registerOptions } from './access-options.ts';
import { type DeviceOptions, oneDevice, tellState, withRegister } from './device-access.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { print, printable, printJson } from './terminal.ts';

interface DescribeOptions extends DeviceOptions {
  readonly tag: readonly string[];
  readonly untag: readonly string[];
  readonly site?: string;
  readonly note?: string;
}

export function addDescribeCommand(device: Command): void {
  registerOptions(device.command('describe'))
    .description('tags, site and note of one device; what is not given stays')
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .option('--tag <word>', 'give it this tag; may be repeated', collected, [])
    .option('--untag <word>', 'take this tag away; may be repeated', collected, [])
    .option('--site <text>', 'where it stands; "" for nowhere')
    .option('--note <text>', 'a remark; "" for none')
    .option('--reason <text>', 'for the audit')
    .action(describe);
}

/** What a shipping file said wrongly, of one device; `device import --correct` is for many. */
export function addSerialCommand(device: Command): void {
  registerOptions(device.command('serial'))
    .description('the serial that a device was imported with was wrong: give it the right one')
    .argument('<device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .argument('<oui-serial>', 'OUI[-ProductClass]-Serial, as its Inform says')
    .requiredOption('--reason <text>', 'what was wrong')
    .action(correctSerial);
}

async function correctSerial(text: string, name: string, options: DeviceOptions): Promise<void> {
  const serial = parseOuiSerial(name)?.names;
  if (serial === undefined) throw failure(exitCodes.usage, `${JSON.stringify(name)} is not OUI[-ProductClass]-Serial`);
  await withRegister(options, async (register) => {
    const deviceId = await oneDevice(register, text);
    const result = await register.correctSerial(deviceId, serial, byOperator(options.reason));
    tellState(result, options, result.ok && result.changed ? ` Its serial is ${name} now.` : '');
  });
}

const collected = (text: string, before: readonly string[]): string[] => [...before, text];

async function describe(text: string, options: DescribeOptions): Promise<void> {
  const { tag, untag, site, note, reason, json } = options;
  if (tag.length + untag.length === 0 && site === undefined && note === undefined)
    throw failure(exitCodes.usage, 'nothing is to be changed', 'give --tag, --untag, --site or --note');
  const wrong = tag.find((one) => !tagPattern.test(one));
  if (wrong !== undefined)
    throw failure(
      exitCodes.usage,
      `${JSON.stringify(wrong)} cannot be a tag`,
      'write a word of letters, digits and . _ : / @ + -',
    );
  const change = (now: Described): Partial<Described> => ({
    ...(tag.length + untag.length > 0 && { tags: tagsOf(now, tag, untag) }),
    ...(site !== undefined && { site: site === '' ? null : site }),
    ...(note !== undefined && { note: note === '' ? null : note }),
  });
  await withRegister(options, async (register) => {
    const deviceId = await oneDevice(register, text);
    const result = await register.describe({ deviceId, change }, byOperator(reason));
    if (!result.ok) throw failure(exitCodes.no, result.problem.message);
    const { device, changed } = result;
    const { tags, site: at, note: remark } = device;
    if (json === true) return void printJson({ deviceId, changed, tags, site: at, note: remark });
    print(`Device ${deviceId} ${changed ? 'is described' : 'was described so already'}.`);
    print(
      `Tags  ${printable(tags.join(', ') || 'none')}\nSite  ${printable(at ?? '-')}\nNote  ${printable(remark ?? '-')}`,
    );
  });
}

function tagsOf({ tags }: Described, tag: readonly string[], untag: readonly string[]): string[] {
  const wanted = [...new Set([...tags.filter((one) => !untag.includes(one)), ...tag])];
  if (wanted.length > mostTags) throw failure(exitCodes.usage, `a device has at most ${mostTags} tags`);
  return wanted;
}
