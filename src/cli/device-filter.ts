import { type Command, InvalidArgumentError } from 'commander';
import { deviceStates } from '../fleet/device.ts';
import type { DeviceFilter } from '../fleet/listing.ts';
import { oneOf } from './arguments.ts';

/** A moment as people write it: a date, a time in UTC, or so many days from now (`30d`). */
export function moment(now: () => Date): (text: string) => Date {
  return (text) => {
    const [, days] = /^(\d{1,4})d$/.exec(text) ?? [];
    if (days !== undefined) return new Date(now().getTime() + Number(days) * 86_400_000);
    const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?$/.test(text)
      ? new Date(text.length > 10 && !text.endsWith('Z') ? `${text}Z` : text)
      : new Date(Number.NaN);
    if (Number.isNaN(at.getTime()))
      throw new InvalidArgumentError('write 2026-12-31, 2026-12-31T08:00Z, or a number of days from now: 30d');
    return at;
  };
}

/** The options by which devices are chosen, the same for every command that takes many. */
export function withFilter(command: Command, now: () => Date): Command {
  return command
    .option('--state <state>', deviceStates.join(', '), oneOf(deviceStates))
    .option('--anchor <name>', 'with an identity under this anchor')
    .option('--identity-prefix <text>', 'with an identity that begins so')
    .option('--oui <hex>', 'with this OUI')
    .option('--serial-number <text>', 'with this serial number')
    .option('--tag <tag>', 'with this tag')
    .option('--site <text>', 'at this site')
    .option(
      '--expires-before <time>',
      'whose newest certificate ends before: a date, or days from now (30d)',
      moment(now),
    );
}

/** What of a command's options chooses devices. */
export function filterOf(options: DeviceFilter): DeviceFilter {
  const { state, anchor, identityPrefix, oui, serialNumber, tag, site, expiresBefore } = options;
  const all = { state, anchor, identityPrefix, oui, serialNumber, tag, site, expiresBefore };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as DeviceFilter;
}

export function isEmpty(filter: DeviceFilter): boolean {
  return Object.keys(filter).length === 0;
}
