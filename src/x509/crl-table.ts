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
  /** Open addressing: entry + 1, or 0. */
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
  readonly serials: Uint8Array;
  readonly starts: Uint32Array;
  readonly dates: Uint32Array;
  readonly reasons: Uint8Array;
  issuers: Uint32Array | undefined;
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
 * Cuts the arrays to size and makes the index. Of two entries for one certificate the first holds, unless it only takes
 * back. Undefined when numbers were chosen to collide.
 */
export function finishTable(builder: TableBuilder): RevokedTable | undefined {
  const { count, used } = builder;
  builder.starts[count] = used;
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(4, 2 * count))));
  const table: RevokedTable = {
    count,
    serials: builder.serials.slice(0, used),
    starts: builder.starts.slice(0, count + 1),
    dates: builder.dates.slice(0, count),
    reasons: builder.reasons.slice(0, count),
    issuers: builder.issuers?.slice(0, count),
    slots,
    key: randomInt(2 ** 31) * 2 + 1,
  };
  for (let entry = 0; entry < count; entry++) if (!insert(table, entry)) return undefined;
  return table;
}

function insert(table: RevokedTable, entry: number): boolean {
  const { serials, starts, reasons, slots } = table;
  const mask = slots.length - 1;
  const [from, to] = [starts[entry] as number, starts[entry + 1] as number];
  const issuer = table.issuers?.[entry] ?? 0;
  let hash = startHash(table.key, issuer);
  for (let i = from; i < to; i++) hash = step(hash, serials[i] as number, table.key);
  let slot = spread(hash, table.key) & mask;
  for (let run = 0; run < longestRun; run++) {
    const other = (slots[slot] as number) - 1;
    if (other < 0) {
      slots[slot] = entry + 1;
      return true;
    }
    if (sameEntry(table, other, entry, issuer)) {
      if (reasons[other] === removeFromCRL) slots[slot] = entry + 1;
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

/** The entry for a serial number (hex as in `Certificate.serialNumber`), or -1. */
export function findEntry(table: RevokedTable, serialNumber: string, issuer: number): number {
  const serial = canonicalSerial(serialNumber);
  const { slots, starts, serials, key } = table;
  const mask = slots.length - 1;
  let hash = startHash(key, issuer);
  for (const octet of serial) hash = step(hash, octet, key);
  let slot = spread(hash, key) & mask;
  // Ends at the latest at a free place: at most half of them are taken.
  for (;;) {
    const entry = (slots[slot] as number) - 1;
    if (entry < 0) return -1;
    const from = starts[entry] as number;
    if (
      (starts[entry + 1] as number) - from === serial.length &&
      (table.issuers?.[entry] ?? 0) === issuer &&
      serial.every((octet, i) => serials[from + i] === octet)
    )
      return entry;
    slot = (slot + 1) & mask;
  }
}

/**
 * A serial number as octets, equal exactly for equal numbers: without leading zeros (RFC 5280 4.1.2.2 makes them
 * positive); of a negative one the magnitude behind a zero octet.
 */
export function canonicalSerial(hex: string): Uint8Array {
  const negative = hex.charCodeAt(0) === 0x2d;
  const digits = negative ? hex.length - 1 : hex.length;
  const octets = new Uint8Array(((digits + 1) >> 1) + (negative ? 1 : 0));
  let at = octets.length - 1;
  for (let i = hex.length - 1; at >= (negative ? 1 : 0); i -= 2, at--)
    octets[at] = nibble(hex, i) | (i > hex.length - digits ? nibble(hex, i - 1) << 4 : 0);
  return octets;
}

/** Of "0"–"9", "a"–"f", "A"–"F". */
function nibble(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return code < 0x40 ? code - 0x30 : (code & 0x1f) + 9;
}

/** Hex, as in `Certificate.serialNumber`, of what `canonicalSerial` wrote. */
export function serialText(serial: Uint8Array): string {
  const hex = Buffer.from(serial.buffer, serial.byteOffset, serial.length).toString('hex');
  const negative = serial.length > 1 && serial[0] === 0;
  const stripped = hex.replace(/^0+(?=.)/, '');
  return negative ? `-${stripped}` : stripped;
}
