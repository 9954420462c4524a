import { createHash } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { type CertificateList, closeEntries, listOf, readerFor, verdictKey } from './crl.ts';
import { type EntryReader, readEntries } from './crl-entries.ts';
import { type CrlHead, frameBytes, readHead, readTail } from './crl-frame.ts';
import type { RevokedTable } from './crl-table.ts';
import { type DerLimits, derError, expect, tags } from './der.ts';
import { type Name, namesEqual, parseName } from './name.ts';
import { nameKey } from './path-anchor.ts';
import { beginVerification, type RunningVerification, type SignatureVerdict } from './signature.ts';

/**
 * A CRL without its DER, as plain data that one thread can hand to another (`imageBuffers` move instead of being
 * copied). `crlOfImage` makes a `CertificateList` of it again, at once.
 */
export interface CrlImage {
  readonly fingerprint: string;
  readonly total: number;
  /** What stands before the entries, and behind them. */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly table: RevokedTable;
  /** DER of the certificate issuers but the first, which is the issuer of the CRL. */
  readonly issuers: readonly Uint8Array[];
  readonly unknownCritical: readonly string[];
  readonly verdicts: readonly (readonly [key: string, verdict: SignatureVerdict])[];
}

/** Reads a CRL that comes in pieces. */
export interface CrlReading {
  /** The next octets, which may change afterwards. Throws `DerError`. */
  readonly push: (chunk: Uint8Array) => void;
  /** Once all octets are there. Throws `DerError`. */
  readonly finish: () => CrlImage;
}

export interface CrlReadingOptions {
  /** How many octets will come. */
  readonly total: number;
  /**
   * Certificates that may have signed it: the signature is verified with the keys of those that have the name of its
   * issuer, at most 8, while it is read. With any other key it cannot be verified afterwards.
   */
  readonly signers: readonly Certificate[];
  readonly limits?: DerLimits;
}

interface Reading {
  readonly head: CrlHead;
  readonly headBytes: Uint8Array;
  readonly entries: EntryReader;
  readonly running: ReadonlyMap<string, RunningVerification>;
  /** Octets that were not used up. */
  rest: Uint8Array;
  /** Where `rest` starts. */
  at: number;
  /** Where the rest and what comes are put together. */
  work: Uint8Array;
}

/** Most keys that a signature is verified with. */
const mostKeys = 8;
/** Room for the rests of pieces to come. */
const mostSlack = 4096;
/** Most octets of one entry. */
const mostEntryBytes = 256 * 1024;

export function readCrlInPieces({ total, signers, limits }: CrlReadingOptions): CrlReading {
  const digest = createHash('sha256');
  const field = certificateList;
  let first: Uint8Array = new Uint8Array();
  let reading: Reading | undefined;
  let received = 0;
  return {
    push(chunk) {
      received += chunk.length;
      if (received > total) throw derError(field, 'trailing_data', `more than the ${total} bytes that were announced`);
      digest.update(chunk);
      if (reading !== undefined) return proceed(reading, chunk);
      first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
      if (first.length < Math.min(total, frameBytes)) {
        // Kept until there is enough: its owner may change it.
        if (first === chunk) first = new Uint8Array(chunk);
        return;
      }
      reading = begin(first, total, signers, limits);
      proceed(reading, first);
      first = new Uint8Array();
    },
    finish() {
      if (reading === undefined || received !== total)
        throw derError(field, 'truncated', `${received} bytes instead of ${total}`);
      return close(reading, digest.digest('hex'));
    },
  };
}

/**
 * How long the CRL is that starts with these octets, by its own word; undefined while there are fewer than six of them.
 * Throws `DerError` where nothing of the kind starts.
 */
export function announcedLength(start: Uint8Array): number | undefined {
  if (start.length < 6) return undefined;
  const cursor = { bytes: start, offset: 0, end: Number.MAX_SAFE_INTEGER, depthLeft: 1, field: certificateList };
  return expect(cursor, tags.sequence, certificateList.name).end;
}

const certificateList = { name: 'certificateList', parent: undefined };

function begin(
  bytes: Uint8Array,
  total: number,
  signers: readonly Certificate[],
  limits: DerLimits | undefined,
): Reading {
  const found = readHead(bytes, total, limits);
  const headBytes = new Uint8Array(bytes.subarray(0, found.list?.contentStart ?? found.tailStart));
  // Once more, so that nothing points into bytes that are not kept.
  const head = readHead(headBytes, total, limits);
  const running = new Map<string, RunningVerification>();
  for (const { subject, publicKey } of signers) {
    const key = verdictKey(publicKey.spki);
    if (running.size >= mostKeys || running.has(key) || !namesEqual(subject, head.issuer)) continue;
    running.set(key, beginVerification(head.algorithm, publicKey));
  }
  return { head, headBytes, entries: readerFor(head), running, rest: new Uint8Array(), at: 0, work: new Uint8Array() };
}

function proceed(reading: Reading, chunk: Uint8Array): void {
  const { head, headBytes, rest, entries } = reading;
  const start = reading.at + rest.length;
  const { tbs, list } = head;
  const signed = chunk.subarray(Math.max(0, tbs.start - start), Math.max(0, tbs.end - start));
  if (signed.length > 0) for (const verification of reading.running.values()) verification.update(signed);
  const bytes = joined(reading, chunk);
  const from = reading.at === 0 ? headBytes.length : 0;
  const listEnd = list?.end ?? 0;
  const used = reading.at + from < listEnd ? readEntries(entries, bytes, from, reading.at) : from;
  // A copy: a Buffer's own slice is a view.
  reading.rest = new Uint8Array(bytes.subarray(used));
  reading.at += used;
  if (reading.at < listEnd && reading.rest.length > mostEntryBytes)
    throw derError(tbs, 'too_large', `an entry of more than ${mostEntryBytes} bytes`);
}

/** The rest and a piece in one; the same memory each time, so that reading makes no garbage of the size of the CRL. */
function joined(reading: Reading, chunk: Uint8Array): Uint8Array {
  const { rest } = reading;
  const length = rest.length + chunk.length;
  if (rest.length === 0) return chunk;
  if (reading.work.length < length) reading.work = new Uint8Array(length + mostSlack);
  reading.work.set(rest);
  reading.work.set(chunk, rest.length);
  return reading.work.subarray(0, length);
}

function close(reading: Reading, fingerprint: string): CrlImage {
  const { head, headBytes, at, rest, entries, running } = reading;
  if (at !== head.tailStart) throw derError(head.tbs, 'truncated', 'ends within an entry');
  const { value } = readTail(rest, at, head);
  const { table, issuers, unknownCritical } = closeEntries(entries);
  return {
    fingerprint,
    total: head.total,
    head: headBytes,
    tail: rest,
    table,
    issuers: issuers.slice(1).map(({ der }) => der),
    unknownCritical,
    verdicts: [...running].map(([key, verification]) => [key, verification.verdict(value)]),
  };
}

/** The memory of an image, for handing it over. */
export function imageBuffers({ table }: CrlImage): ArrayBufferLike[] {
  const { serials, starts, dates, reasons, issuers, slots } = table;
  return [serials, starts, dates, reasons, slots, ...(issuers ? [issuers] : [])].map(({ buffer }) => buffer);
}

/** The CRL of an image that `readCrlInPieces` made. */
export function crlOfImage(image: CrlImage): CertificateList {
  const { head: headBytes, tail: tailBytes, total, table, unknownCritical, fingerprint, verdicts } = image;
  const limits = { bytes: total, depth: 24 };
  const head = readHead(headBytes, total, limits);
  const tail = readTail(tailBytes, head.tailStart, head);
  const issuers: Name[] = [head.issuer, ...image.issuers.map(parseName)];
  const issuerNumbers = new Map(issuers.map((name, number) => [nameKey(name), number]));
  const entries = { table, issuers, issuerNumbers, unknownCritical };
  return listOf(head, tail, entries, { fingerprint, signed: undefined, verdicts: new Map(verdicts) });
}
