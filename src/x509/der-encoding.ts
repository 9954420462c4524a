import { tags } from './der.ts';

/** Writes DER (X.690) where something has to be asked of others: elements from their parts, nothing else. */

export function encode(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.of(tag, ...lengthOctets(length)), ...parts]);
}

export function encodeSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encode(tags.sequence, ...parts);
}

/** X.690 10.1: the fewest octets. */
function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

export function encodeOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return encode(tags.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(arcOctets)));
}

function arcOctets(arc: number): readonly number[] {
  const octets = [arc & 0x7f];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

/** An INTEGER from its hex, as `Certificate.serialNumber` holds it: "-" before the magnitude of a negative one. */
export function encodeHexInteger(hex: string): Uint8Array {
  const negative = hex.startsWith('-');
  const magnitude = BigInt(`0x${negative ? hex.slice(1) : hex}`);
  // The octets that hold magnitude and sign; for a negative one, -2^(8n-1) still fits in n.
  const significant = (negative ? magnitude - 1n : magnitude).toString(2).length + 1;
  const octets = Math.ceil(significant / 8);
  const value = BigInt.asUintN(8 * octets, negative ? -magnitude : magnitude);
  return encode(tags.integer, Buffer.from(value.toString(16).padStart(2 * octets, '0'), 'hex'));
}
