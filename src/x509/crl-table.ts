import { randomInt } from 'node:crypto';

/**
 * The entries of a CRL in typed arrays: 34 bytes each with a serial number of 16 octets, so that a million cost 34 MB.
 * Serial numbers are kept whole and compared whole. The arrays may be handed to another thread.
 */
export interface RevokedTable {
  readonly count: number;
  /** Serial numbers one after the other, as `canonicalSerial` writes them. */
  readonly serials: Uint8Array;
  /** Where each serial number starts in `serials`; one more than there are entries. */
  readonly starts: Uint32Array;
  /** revocationDate, seconds since 1950; what is later than 2086 is held as the last second that fits. */
  readonly dates: Uint32Array;
  /** reasonCode, `noReason` where there is none. */
  readonly reasons: Uint8Array;
  /** Number of the certificate issuer of each entry; absent where it is always the issuer of the CRL, number 0. */
  readonly issuers: Uint32Array | undefined;
  /** Open addressing: the number of the entry + 1 in the lower 23 bits, bits of its hash above them; 0 where free. */
  readonly slots: Uint32Array;
  /** What serial numbers are hashed with; chosen at random, so that nobody can choose numbers that collide. */
  readonly key: number;
}

export const noReason = 0xff;
export const removeFromCRL = 8;

/** 1950-01-01, where UTCTime starts. */
export const epochSeconds = Date.UTC(1950, 0, 1) / 1000;

/** Entries as they are read, in arrays large enough for any list of this many bytes. */
export interface TableBuilder {
  count: number;
  used: number;
  readonly serials: Uint8Array<ArrayBuffer>;
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly dates: Uint32Array<ArrayBuffer>;
  readonly reasons: Uint8Array<ArrayBuffer>;
  issuers: Uint32Array<ArrayBuffer> | undefined;
}

/** An entry takes at least 20 bytes: its header, one octet of serial number with its own, and a UTCTime. */
const leastEntry = 20;

/** Memory that is never touched costs nothing, so the arrays need not grow. */
export function newTable(listBytes: number): TableBuilder {
  const most = Math.ceil(listBytes / leastEntry) + 1;
  return {
    count: 0,
    used: 0,
    serials: new Uint8Array(listBytes),
    starts: new Uint32Array(most),
    dates: new Uint32Array(most),
    reasons: new Uint8Array(most),
    issuers: undefined,
  };
}

/** Adds an entry; `bytes[from..to)` is its serial number in canonical form. */
export function addEntry(
  table: TableBuilder,
  bytes: Uint8Array,
  from: number,
  to: number,
  date: number,
  reason: number,
  issuer: number,
): void {
  const { serials, count } = table;
  let at = table.used;
  table.starts[count] = at;
  for (let i = from; i < to; i++) serials[at++] = bytes[i] as number;
  table.used = at;
  table.dates[count] = date;
  table.reasons[count] = reason;
  if (issuer !== 0) table.issuers ??= new Uint32Array(table.starts.length);
  if (table.issuers !== undefined) table.issuers[count] = issuer;
  table.count = count + 1;
}

/** Longest run of taken places that is walked before the table is given up; a good table has runs of some dozens. */
const longestRun = 2048;

/**
 * Cuts the arrays to size, which ends the builder, and makes the index. Of two entries for one certificate the first holds, unless it only takes
 * back. Undefined when numbers were chosen to collide.
 */
export function finishTable(builder: TableBuilder): RevokedTable | undefined {
  const { count, used } = builder;
  builder.starts[count] = used;
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(4, 2 * count))));
  const table: RevokedTable = {
    count,
    serials: octets(builder.serials, used),
    starts: words(builder.starts, count + 1),
    dates: words(builder.dates, count),
    reasons: octets(builder.reasons, count),
    issuers: builder.issuers && words(builder.issuers, count),
    slots,
    key: randomInt(2 ** 31) * 2 + 1,
  };
  for (let entry = 0; entry < count; entry++) if (!insert(table, entry)) return undefined;
  return table;
}

/** Moved into memory of the right size; what was larger is free at once, not when the collector comes. */
const octets = ({ buffer }: Uint8Array<ArrayBuffer>, length: number) => new Uint8Array(buffer.transfer(length));
const words = ({ buffer }: Uint32Array<ArrayBuffer>, length: number) => new Uint32Array(buffer.transfer(4 * length));

/** Bits of a slot that number an entry; those above are compared first, so that a miss rarely looks further. */
const entryBits = 23;
const entryMask = 2 ** entryBits - 1;
/** As many entries as can be numbered. */
export const mostEntries = 8_000_000;

function insert(table: RevokedTable, entry: number): boolean {
  const { serials, starts, reasons, slots, key } = table;
  const mask = slots.length - 1;
  const to = starts[entry + 1] as number;
  const issuer = table.issuers?.[entry] ?? 0;
  let state = startHash(key, issuer);
  for (let i = starts[entry] as number; i < to; i++) state = step(state, serials[i] as number, key);
  const hash = spread(state, key);
  const tag = hash & ~entryMask;
  let slot = hash & mask;
  for (let run = 0; run < longestRun; run++) {
    const taken = slots[slot] as number;
    if (taken === 0) {
      slots[slot] = tag | (entry + 1);
      return true;
    }
    if ((taken & ~entryMask) === tag && sameEntry(table, (taken & entryMask) - 1, entry, issuer)) {
      if (reasons[(taken & entryMask) - 1] === removeFromCRL) slots[slot] = tag | (entry + 1);
      return true;
    }
    slot = (slot + 1) & mask;
  }
  return false;
}

function sameEntry({ serials, starts, issuers }: RevokedTable, a: number, b: number, issuer: number): boolean {
  if ((issuers?.[a] ?? 0) !== issuer) return false;
  const [from, other] = [starts[a] as number, starts[b] as number];
  const length = (starts[a + 1] as number) - from;
  if (length !== (starts[b + 1] as number) - other) return false;
  for (let i = 0; i < length; i++) if (serials[from + i] !== serials[other + i]) return false;
  return true;
}

const startHash = (key: number, issuer: number): number => Math.imul(key ^ issuer, 0x9e3779b1);
const step = (hash: number, octet: number, key: number): number => Math.imul(hash ^ octet, key);

function spread(hash: number, key: number): number {
  const folded = Math.imul(hash ^ (hash >>> 15), key);
  return folded ^ (folded >>> 13);
}

/** Where look-ups write the serial number they look for: one at a time, so that none has to be made for each. */
let wanted = new Uint8Array(64);

/** The entry for a serial number (hex as in `Certificate.serialNumber`), or -1. */
export function findEntry(table: RevokedTable, serialNumber: string, issuer: number): number {
  const length = writeSerial(serialNumber);
  const { slots, starts, serials, issuers, key } = table;
  const mask = slots.length - 1;
  let state = startHash(key, issuer);
  for (let i = 0; i < length; i++) state = step(state, wanted[i] as number, key);
  const hash = spread(state, key);
  const tag = hash & ~entryMask;
  let slot = hash & mask;
  // Ends at the latest at a free place: at most half of them are taken.
  for (;;) {
    const taken = slots[slot] as number;
    if (taken === 0) return -1;
    if ((taken & ~entryMask) === tag) {
      const entry = (taken & entryMask) - 1;
      const from = starts[entry] as number;
      if ((starts[entry + 1] as number) - from === length && (issuers === undefined ? 0 : issuers[entry]) === issuer) {
        let i = 0;
        while (i < length && serials[from + i] === wanted[i]) i++;
        if (i === length) return entry;
      }
    }
    slot = (slot + 1) & mask;
  }
}

/**
 * A serial number as octets, equal exactly for equal numbers: without leading zeros (RFC 5280 4.1.2.2 makes them
 * positive); of a negative one the magnitude behind a zero octet.
 */
export function canonicalSerial(hex: string): Uint8Array {
  return wanted.slice(0, writeSerial(hex));
}

/** Writes it to `wanted`; its length. */
function writeSerial(hex: string): number {
  const sign = hex.charCodeAt(0) === 0x2d ? 1 : 0;
  const length = ((hex.length - sign + 1) >> 1) + sign;
  if (length > wanted.length) wanted = new Uint8Array(length);
  wanted[0] = 0;
  let at = length - 1;
  let i = hex.length - 1;
  for (; i > sign; i -= 2) wanted[at--] = (nibble(hex, i - 1) << 4) | nibble(hex, i);
  if (i === sign) wanted[at] = nibble(hex, i);
  return length;
}

/** The value of each hex digit by its character. */
const nibbles = new Uint8Array(128);
for (const [value, digit] of [...'0123456789abcdef'].entries())
  for (const character of [digit, digit.toUpperCase()]) nibbles[character.charCodeAt(0)] = value;

const nibble = (hex: string, at: number): number => nibbles[hex.charCodeAt(at)] as number;

/** Hex, as in `Certificate.serialNumber`, of what `canonicalSerial` wrote. */
export function serialText(serial: Uint8Array): string {
  const hex = Buffer.from(serial.buffer, serial.byteOffset, serial.length).toString('hex');
  const negative = serial.length > 1 && serial[0] === 0;
  const stripped = hex.replace(/^0+(?=.)/, '');
  return negative ? `-${stripped}` : stripped;
}
