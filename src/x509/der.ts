/**
 * A strict reader for DER (X.690). Elements are offsets into the bytes they came from; nothing is copied.
 * The only error thrown is `DerError`, which names the field it stopped at.
 */
export type DerFault =
  | 'truncated'
  | 'trailing_data'
  | 'tag'
  | 'length'
  | 'too_deep'
  | 'too_large'
  | 'too_many'
  | 'missing'
  | 'value'
  | 'duplicate';

export class DerError extends Error {
  override readonly name = 'DerError';
  /** Dotted path from the outermost structure, e.g. `certificate.tbsCertificate.validity.notBefore`. */
  readonly field: string;
  readonly fault: DerFault;

  constructor(field: string, fault: DerFault, message: string) {
    super(`${field}: ${message}`);
    this.field = field;
    this.fault = fault;
  }
}

/** Where in a structure we are; turned into text only when something is wrong. */
export interface Field {
  readonly name: string;
  readonly parent: Field | undefined;
}

export interface DerLimits {
  /** Bytes of the outermost element. */
  readonly bytes: number;
  /** Constructed elements inside each other. */
  readonly depth: number;
}

const certificateLimits: DerLimits = { bytes: 128 * 1024, depth: 32 };

/** One tag-length-value; `bytes[contentStart..end)` is the value, `bytes[start..end)` the whole. It is its own field. */
export interface DerElement extends Field {
  readonly bytes: Uint8Array;
  readonly tag: number;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  /** How many constructed elements may still be opened inside. */
  readonly depthLeft: number;
}

/** A place inside a constructed element; `offset` moves as elements are taken. */
export interface DerCursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly depthLeft: number;
  readonly field: Field;
  offset: number;
}

/** Identifier octets. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** [n] holding other elements, or EXPLICIT. */
export const constructed = (n: number): number => 0xa0 | n;
/** [n] IMPLICIT of a primitive type. */
export const primitive = (n: number): number => 0x80 | n;

export function fieldName(field: Field): string {
  return field.parent === undefined ? field.name : `${fieldName(field.parent)}.${field.name}`;
}

export function derError(field: Field, fault: DerFault, message: string): DerError {
  return new DerError(fieldName(field), fault, message);
}

/** Starts at bytes that must hold exactly one element. */
export function openDer(bytes: Uint8Array, name: string, limits: DerLimits = certificateLimits): DerCursor {
  const field = { name, parent: undefined };
  if (bytes.length > limits.bytes)
    throw derError(field, 'too_large', `${bytes.length} bytes, at most ${limits.bytes} are read`);
  return { bytes, offset: 0, end: bytes.length, depthLeft: limits.depth, field };
}

/** The next element, whatever its tag. */
export function take(cursor: DerCursor, name: string): DerElement {
  const { bytes, end, offset } = cursor;
  if (offset >= end) throw derError(within(cursor, name), 'missing', 'is missing');
  const tag = bytes[offset] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw derError(within(cursor, name), 'tag', 'tag numbers above 30 are not used here');
  // The end-of-contents octets and the universal tag 0 belong to BER.
  if (tag === 0) throw derError(within(cursor, name), 'tag', 'tag 0 is not DER');
  let contentStart = offset + 2;
  let length = bytes[offset + 1] ?? 0;
  if (length > 0x7f) {
    const octets = length & 0x7f;
    length = longLength(cursor, name, offset + 2, octets);
    contentStart += octets;
  }
  if (contentStart > end || length > end - contentStart)
    throw derError(within(cursor, name), 'truncated', 'is longer than what holds it');
  cursor.offset = contentStart + length;
  return {
    bytes,
    tag,
    start: offset,
    contentStart,
    end: contentStart + length,
    depthLeft: cursor.depthLeft,
    name,
    parent: cursor.field,
  };
}

function longLength(cursor: DerCursor, name: string, offset: number, octets: number): number {
  if (octets === 0) throw derError(within(cursor, name), 'length', 'indefinite length is not DER');
  if (octets > 4) throw derError(within(cursor, name), 'length', `a length of ${octets} octets is refused`);
  if (offset + octets > cursor.end) throw derError(within(cursor, name), 'truncated', 'ends inside its length');
  let length = 0;
  for (let i = 0; i < octets; i++) length = length * 256 + (cursor.bytes[offset + i] ?? 0);
  // X.690 10.1: the minimum number of octets.
  if (length < 0x80 || (octets > 1 && cursor.bytes[offset] === 0))
    throw derError(within(cursor, name), 'length', 'the length is not encoded in the fewest octets');
  return length;
}

/** The next element, which must have this tag. */
export function expect(cursor: DerCursor, tag: number, name: string): DerElement {
  if (cursor.offset < cursor.end && cursor.bytes[cursor.offset] !== tag)
    throw derError(within(cursor, name), 'tag', `tag 0x${hex(cursor.bytes[cursor.offset] ?? 0)}, not 0x${hex(tag)}`);
  return take(cursor, name);
}

/** The next element if it has this tag. */
export function optional(cursor: DerCursor, tag: number, name: string): DerElement | undefined {
  return nextTag(cursor) === tag ? take(cursor, name) : undefined;
}

/** The identifier octet that comes next, -1 at the end. */
export function nextTag(cursor: DerCursor): number {
  return cursor.offset < cursor.end ? (cursor.bytes[cursor.offset] ?? -1) : -1;
}

export function more(cursor: DerCursor): boolean {
  return cursor.offset < cursor.end;
}

/** Opens a constructed element (or an OCTET STRING or BIT STRING known to hold DER, from `skip` on). */
export function enter(element: DerElement, skip = 0): DerCursor {
  if (element.depthLeft <= 0) throw derError(element, 'too_deep', 'too many elements inside each other');
  return {
    bytes: element.bytes,
    offset: element.contentStart + skip,
    end: element.end,
    depthLeft: element.depthLeft - 1,
    field: element,
  };
}

/** Opens bytes that hold exactly one SEQUENCE, under one name. */
export function openOnly(bytes: Uint8Array, name: string, limits?: DerLimits): DerCursor {
  const outside = openDer(bytes, name, limits);
  const inside = enter(expect(outside, tags.sequence, name));
  finish(outside);
  return { ...inside, field: outside.field };
}

/** The one element inside an EXPLICIT tag, under the name of the tag. */
export function unwrap(outer: DerElement, tag: number): DerElement {
  const inside = { ...enter(outer), field: outer.parent ?? outer };
  const element = expect(inside, tag, outer.name);
  finish(inside);
  return element;
}

/** Nothing may be left. */
export function finish(cursor: DerCursor): void {
  if (cursor.offset !== cursor.end) throw derError(cursor.field, 'trailing_data', 'holds more than it should');
}

export function openSequence(cursor: DerCursor, name: string): DerCursor {
  return enter(expect(cursor, tags.sequence, name));
}

/** Reads every element of a SEQUENCE OF or SET OF. */
export function collect<T>(cursor: DerCursor, read: (cursor: DerCursor, index: number) => T, atMost: number): T[] {
  const items: T[] = [];
  while (more(cursor)) {
    if (items.length >= atMost) throw derError(cursor.field, 'too_many', `more than ${atMost} entries`);
    items.push(read(cursor, items.length));
  }
  return items;
}

/** The value octets, as a view. */
export function content(element: DerElement): Uint8Array {
  return element.bytes.subarray(element.contentStart, element.end);
}

/** Tag, length and value, as a view. */
export function whole(element: DerElement): Uint8Array {
  return element.bytes.subarray(element.start, element.end);
}

export function within(cursor: DerCursor, name: string): Field {
  return { name, parent: cursor.field };
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}
