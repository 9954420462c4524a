import { InvalidArgumentError } from 'commander';

/** A whole number within bounds, for commander's option parsers. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`write a whole number from ${least} to ${most}`);
  };
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
