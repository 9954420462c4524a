import { InvalidArgumentError } from 'commander';

/** A whole number within bounds, for commander's option parsers. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`write a whole number from ${least} to ${most}`);
  };
}

/** Of a task: higher goes first. */
export function priority(text: string): number {
  const value = Number(text);
  if (/^-?\d{1,3}$/.test(text) && Math.abs(value) <= 100) return value;
  throw new InvalidArgumentError('write a whole number from -100 to 100');
}

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** "30s", "10m", "2h", "7d" as milliseconds. */
export function span(text: string): number {
  const [, count, unit] = /^(\d{1,4})([smhd])$/.exec(text) ?? [];
  if (unit === undefined) throw new InvalidArgumentError('write a number and a unit: 30s, 10m, 2h or 7d');
  return Number(count) * units[unit as keyof typeof units];
}

/** One word of a closed list; the refusal names them all. */
export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InvalidArgumentError(`known are ${words.join(', ')}`);
    return found;
  };
}

/** A moment in ISO 8601; without an offset it is UTC, without a time midnight. */
export function instant(text: string): Date {
  const [, day, time = 'T00:00:00', zone = 'Z'] =
    /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(Z|[+-]\d{2}:\d{2})?$/i.exec(text) ?? [];
  const at = new Date(`${day}${time}${zone}`.toUpperCase());
  if (day === undefined || !isDay(day) || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('write an ISO time: 2026-01-31T12:00:00Z');
  return at;
}

/** JavaScript takes 30 February for 2 March. */
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

/** Dotted decimal, as in 2.5.29.32.0. */
export function objectIdentifier(text: string): string {
  if (text.length <= 256 && /^[0-2](\.(0|[1-9]\d*)){1,127}$/.test(text)) return text;
  throw new InvalidArgumentError('write an object identifier: 1.3.6.1.4.1.99999.1');
}
