/** Writes DER for test certificates, well-formed or broken on purpose; the reader under test never sees this code. */

export type Bytes = Uint8Array;

export function tlv(tag: number, ...parts: readonly Bytes[]): Bytes {
  const value = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOctets(value.length), value]);
}

function lengthOctets(length: number): Bytes {
  if (length < 0x80) return Buffer.from([length]);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Buffer.from([0x80 | octets.length, ...octets]);
}

export const sequence = (...parts: readonly Bytes[]): Bytes => tlv(0x30, ...parts);
export const set = (...parts: readonly Bytes[]): Bytes => tlv(0x31, ...parts);
export const octets = (value: Bytes): Bytes => tlv(0x04, value);
export const bits = (value: Bytes, unused = 0): Bytes => tlv(0x03, Buffer.from([unused]), value);
export const boolean = (value: boolean): Bytes => tlv(0x01, Buffer.from([value ? 0xff : 0]));
export const nothing = (): Bytes => tlv(0x05);
export const utf8 = (text: string): Bytes => tlv(0x0c, Buffer.from(text));
export const printable = (text: string): Bytes => tlv(0x13, Buffer.from(text));
export const ia5 = (text: string): Bytes => tlv(0x16, Buffer.from(text, 'latin1'));
/** [n] constructed. */
export const explicit = (n: number, ...parts: readonly Bytes[]): Bytes => tlv(0xa0 | n, ...parts);
/** [n] primitive. */
export const implicit = (n: number, value: Bytes): Bytes => tlv(0x80 | n, value);

export function integer(value: number | bigint): Bytes {
  return tlv(0x02, integerOctets(value));
}

export function integerOctets(value: number | bigint): Bytes {
  let rest = BigInt(value);
  const result: number[] = [];
  do {
    result.unshift(Number(BigInt.asUintN(8, rest)));
    rest >>= 8n;
  } while (!(rest === 0n && (result[0] ?? 0) < 0x80) && !(rest === -1n && (result[0] ?? 0) >= 0x80));
  return Buffer.from(result);
}

export function oid(text: string): Bytes {
  return tlv(0x06, oidOctets(text));
}

export function oidOctets(text: string): Bytes {
  const [first = 0n, second = 0n, ...rest] = text.split('.').map(BigInt);
  return Buffer.from([first * 40n + second, ...rest].flatMap(base128));
}

function base128(arc: bigint): number[] {
  const groups = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) groups.unshift(Number(rest & 0x7fn) | 0x80);
  return groups;
}

export function time(at: Date): Bytes {
  const text = `${at.toISOString().replace(/[-:T]|\.\d+/g, '')}`;
  const year = at.getUTCFullYear();
  return year >= 1950 && year < 2050 ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text));
}
