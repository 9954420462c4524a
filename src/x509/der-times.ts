import { type DerCursor, type DerElement, derError, take, tags } from './der.ts';

/** Digits at an offset as a number; NaN if any is not a digit. */
function digits(bytes: Uint8Array, offset: number, count: number): number {
  let value = 0;
  for (let i = offset; i < offset + count; i++) {
    const octet = bytes[i] ?? 0;
    if (octet < 0x30 || octet > 0x39) return Number.NaN;
    value = value * 10 + octet - 0x30;
  }
  return value;
}

/**
 * UTCTime or GeneralizedTime in the one form each that RFC 5280 allows (4.1.2.5.1, 4.1.2.5.2): to the second, in Z,
 * without fractions.
 */
export function timeOf(element: DerElement): Date {
  const { bytes, contentStart, end, tag } = element;
  const yearDigits = tag === tags.utcTime ? 2 : 4;
  if (tag !== tags.utcTime && tag !== tags.generalizedTime)
    throw derError(element, 'tag', 'is no UTCTime or GeneralizedTime');
  if (end - contentStart !== yearDigits + 11 || bytes[end - 1] !== 0x5a)
    throw derError(element, 'value', `must read ${'Y'.repeat(yearDigits)}MMDDHHMMSSZ`);
  let year = digits(bytes, contentStart, yearDigits);
  // RFC 5280 4.1.2.5.1: 50 to 99 are of the twentieth century.
  if (yearDigits === 2) year += year >= 50 ? 1900 : 2000;
  const at = (position: number): number => digits(bytes, contentStart + yearDigits + position, 2);
  const [month, day, hour, minute, second] = [at(0), at(2), at(4), at(6), at(8)];
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second);
  const exists =
    time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!exists) throw derError(element, 'value', 'is no time of the calendar');
  return time;
}

export function readTime(cursor: DerCursor, name: string): Date {
  return timeOf(take(cursor, name));
}
