import { type Command, InvalidArgumentError } from 'commander';
import { deviceStates } from '../fleet/device.ts';
import { type DeviceFilter, parameterFilterFault } from '../fleet/listing.ts';
import { oneOf } from './arguments.ts';

/** A moment as people write it: a date, a time in UTC, or so many days from now (`30d`). */
export function moment(now: () => Date): (text: string) => Date {
  return (text) => {
    const [, days] = /^(-?\d{1,4})d$/.exec(text) ?? [];
    if (days !== undefined) return new Date(now().getTime() + Number(days) * 86_400_000);
    const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?$/.test(text)
      ? new Date(text.length > 10 && !text.endsWith('Z') ? `${text}Z` : text)
      : new Date(Number.NaN);
    if (Number.isNaN(at.getTime()))
      throw new InvalidArgumentError('write 2026-12-31, 2026-12-31T08:00Z, or a number of days from now: 30d');
    return at;
  };
}

function byParameter(text: string): string {
  const fault = parameterFilterFault(text);
  if (fault !== undefined) throw new InvalidArgumentError(fault);
  return text;
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
    .option('--model <text>', 'of this ProductClass')
    .option('--software-version <text>', 'whose last Inform said so')
    .option(
      '--informed-before <time>',
      'last heard of before: a date, a time, or days (-30d: thirty days ago)',
      moment(now),
    )
    .option('--informed-after <time>', 'heard of since then', moment(now))
    .option('--parameter <path=value>', 'with this parameter of this value, as it was last read', byParameter)
    .option(
      '--expires-before <time>',
      'whose newest certificate ends before: a date, or days from now (30d)',
      moment(now),
    );
}

/** What of a command's options chooses devices. */
export function filterOf(options: DeviceFilter): DeviceFilter {
  const { state, anchor, identityPrefix, oui, serialNumber, tag, site, expiresBefore, ...rest } = options;
  const { model, softwareVersion, informedBefore, informedAfter, parameter } = rest;
  const known = { state, anchor, identityPrefix, oui, serialNumber, tag, site, expiresBefore };
  const all = { ...known, model, softwareVersion, informedBefore, informedAfter, parameter };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as DeviceFilter;
}

export function isEmpty(filter: DeviceFilter): boolean {
  return Object.keys(filter).length === 0;
}
