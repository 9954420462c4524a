import { content, type DerCursor, type DerElement, derError, expect, optional, tags, toHex } from './der.ts';

/** The values of DER's simple types. Each reader takes an element (its tag already looked at) and checks the value. */

export function booleanOf(element: DerElement): boolean {
  const octet = element.bytes[element.contentStart];
  // X.690 11.1: TRUE is all ones.
  if (element.end - element.contentStart !== 1 || (octet !== 0 && octet !== 0xff))
    throw derError(element, 'value', 'a BOOLEAN is one octet, 00 or FF');
  return octet === 0xff;
}

/** BOOLEAN DEFAULT FALSE. X.690 11.5: the default is not encoded. */
export function flag(cursor: DerCursor, name: string): boolean {
  const element = optional(cursor, tags.boolean, name);
  if (element === undefined) return false;
  if (!booleanOf(element)) throw derError(element, 'value', 'FALSE is the default and must not be encoded');
  return true;
}

/** The octets of an INTEGER, two's complement, checked to be the fewest possible. */
export function integerBytes(element: DerElement): Uint8Array {
  const value = content(element);
  if (value.length === 0) throw derError(element, 'value', 'an INTEGER has at least one octet');
  const [first = 0, second = 0] = value;
  if (value.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw derError(element, 'value', 'the INTEGER is not encoded in the fewest octets');
  return value;
}

/** Hex of an INTEGER, lower case, no leading zeros; "-" before the magnitude of a negative one. */
export function integerHex(element: DerElement): string {
  const value = integerBytes(element);
  if ((value[0] ?? 0) < 0x80) return toHex(value).replace(/^0+(?=.)/, '');
  const magnitude = (1n << BigInt(8 * value.length)) - BigInt(`0x${toHex(value)}`);
  return `-${magnitude.toString(16)}`;
}

export function readHexInteger(cursor: DerCursor, name: string): string {
  return integerHex(expect(cursor, tags.integer, name));
}

/** A count or a version: not negative; what is above 2^31 - 1 is read as 2^31 - 1, which no path reaches. */
export function smallInteger(element: DerElement): number {
  const value = integerBytes(element);
  if ((value[0] ?? 0) >= 0x80) throw derError(element, 'value', 'must not be negative');
  if (value.length > 4) return 0x7fff_ffff;
  return value.reduce((sum, octet) => sum * 256 + octet, 0);
}

export interface BitString {
  readonly bytes: Uint8Array;
  readonly unusedBits: number;
}

export function bitStringOf(element: DerElement): BitString {
  const unusedBits = element.bytes[element.contentStart] ?? 0;
  const bytes = element.bytes.subarray(element.contentStart + 1, element.end);
  if (element.end === element.contentStart || unusedBits > 7 || (bytes.length === 0 && unusedBits !== 0))
    throw derError(element, 'value', 'a BIT STRING starts with the count of its unused bits');
  // X.690 11.2.1: unused bits are zero.
  if (((bytes.at(-1) ?? 0) & ((1 << unusedBits) - 1)) !== 0)
    throw derError(element, 'value', 'unused bits must be zero');
  return { bytes, unusedBits };
}

/** A BIT STRING of whole octets: keys and signatures. */
export function octetsOfBitString(element: DerElement): Uint8Array {
  const { bytes, unusedBits } = bitStringOf(element);
  if (unusedBits !== 0) throw derError(element, 'value', 'must be whole octets');
  return bytes;
}

/** The numbers of the bits that are set in a named-bit list. */
export function namedBits(element: DerElement): number[] {
  const { bytes } = bitStringOf(element);
  const set: number[] = [];
  for (let i = 0; i < bytes.length && i < 8; i++)
    for (let bit = 0; bit < 8; bit++) if (((bytes[i] ?? 0) & (0x80 >> bit)) !== 0) set.push(8 * i + bit);
  return set;
}

/** Longest OBJECT IDENTIFIER read; real ones have under 20 octets. */
const oidOctets = 64;

/** Dotted decimal. */
export function oidOf(element: DerElement): string {
  const { bytes, contentStart, end } = element;
  if (end === contentStart || end - contentStart > oidOctets || (bytes[end - 1] ?? 0) >= 0x80)
    throw derError(element, 'value', 'is no OBJECT IDENTIFIER');
  let text = '';
  for (let i = contentStart; i < end; ) {
    if (bytes[i] === 0x80) throw derError(element, 'value', 'an OBJECT IDENTIFIER arc is padded');
    let arc = 0;
    const from = i;
    for (; (bytes[i] ?? 0) >= 0x80; i++) arc = arc * 128 + ((bytes[i] ?? 0) & 0x7f);
    arc = arc * 128 + (bytes[i++] ?? 0);
    const exact = i - from > 7 ? longArc(bytes, from, i) : arc;
    text += text === '' ? firstArcs(exact) : `.${exact}`;
  }
  return text;
}

function longArc(bytes: Uint8Array, from: number, to: number): bigint {
  let arc = 0n;
  for (let i = from; i < to; i++) arc = (arc << 7n) | BigInt((bytes[i] ?? 0) & 0x7f);
  return arc;
}

function firstArcs(value: number | bigint): string {
  if (value < 40) return `0.${value}`;
  if (value < 80) return `1.${typeof value === 'bigint' ? value - 40n : value - 40}`;
  return `2.${typeof value === 'bigint' ? value - 80n : value - 80}`;
}

export function readOid(cursor: DerCursor, name: string): string {
  return oidOf(expect(cursor, tags.oid, name));
}

/** NULL, without content. */
export function checkNull(element: DerElement): void {
  if (element.end !== element.contentStart) throw derError(element, 'value', 'NULL has no content');
}
