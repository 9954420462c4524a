import { eachExtension } from './crl-extensions.ts';
import { readInside } from './extension-frame.ts';
import {
  addEntry,
  canonicalSerial,
  epochSeconds,
  mostEntries,
  newTable,
  noReason,
  type TableBuilder,
} from './crl-table.ts';
import { type DerCursor, type DerElement, derError, enter, expect, type Field, finish, more, tags } from './der.ts';
import { readTime } from './der-times.ts';
import { integerHex, smallInteger } from './der-values.ts';
import { readGeneralNamesSequence } from './general-name.ts';
import { type Name, parseName } from './name.ts';
import { entryExtensionOids } from './oids.ts';
import { nameKey } from './path-anchor.ts';

/** What was read of revokedCertificates so far. */
export interface EntryReader {
  readonly table: TableBuilder;
  readonly version: 1 | 2;
  readonly parent: Field;
  /** Where the list ends, counted from the start of the CRL. */
  readonly listEnd: number;
  /** Names in certificateIssuer; number 0 is the issuer of the CRL. */
  readonly issuers: Name[];
  readonly issuerNumbers: Map<string, number>;
  /** RFC 5280 5.3.3: the certificate issuer of an entry without the extension is that of the entry before it. */
  issuer: number;
  readonly unknownCritical: Set<string>;
}

export function newEntryReader(
  list: { readonly contentStart: number; readonly end: number } | undefined,
  version: 1 | 2,
  issuer: Name,
  parent: Field,
): EntryReader {
  return {
    table: newTable(list === undefined ? 0 : list.end - list.contentStart),
    version,
    parent,
    listEnd: list?.end ?? 0,
    issuers: [issuer],
    issuerNumbers: new Map([[nameKey(issuer), 0]]),
    issuer: 0,
    unknownCritical: new Set(),
  };
}

/**
 * Reads the entries that lie whole in `bytes[from..)`, where `bytes` starts `base` bytes into the CRL. Returns where
 * the first one starts that does not. The common forms are read here; everything else, and everything that is wrong,
 * goes the long way through the strict reader, which names the field.
 */
export function readEntries(reader: EntryReader, bytes: Uint8Array, from: number, base: number): number {
  const { table } = reader;
  const listEnd = reader.listEnd - base;
  const end = Math.min(bytes.length, listEnd);
  let at = from;
  while (at < end) {
    const length = bytes[at + 1] as number;
    const next = at + 2 + length;
    if (length > 0x7f || next > end || bytes[at] !== tags.sequence || !readCommonEntry(reader, bytes, at + 2, next)) {
      // A header of a length that could matter has six octets at most.
      if (end - at < 6 && end < listEnd) return at;
      const slow = readEntry(reader, bytes, at, listEnd);
      if (slow === undefined) return at;
      at = slow;
    } else at = next;
    if (table.count >= mostEntries && at < end)
      throw derError(reader.parent, 'too_many', `more than ${mostEntries} entries`);
  }
  return at;
}

/** SEQUENCE { SEQUENCE { OID reasonCode, OCTET STRING { ENUMERATED … */
const reasonOnly = [0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01];

/** A positive serial number, UTCTime, and nothing more or a reasonCode. False, with nothing done, for anything else. */
function readCommonEntry(reader: EntryReader, bytes: Uint8Array, from: number, end: number): boolean {
  const length = bytes[from + 1] as number;
  let serial = from + 2;
  const time = serial + length;
  if (bytes[from] !== tags.integer || length === 0 || length > 0x7f || time + 15 > end) return false;
  const first = bytes[serial] as number;
  if (first >= 0x80) return false;
  if (first === 0 && length > 1) {
    if ((bytes[++serial] as number) < 0x80) return false;
  }
  if (bytes[time] !== tags.utcTime || bytes[time + 1] !== 13) return false;
  const date = utcSeconds(bytes, time + 2);
  if (date < 0) return false;
  const rest = time + 15;
  let reason = noReason;
  if (rest !== end) {
    if (end - rest !== reasonOnly.length + 1 || reader.version === 1) return false;
    for (let i = 0; i < reasonOnly.length; i++) if (bytes[rest + i] !== reasonOnly[i]) return false;
    reason = bytes[end - 1] as number;
    if (reason > 10 || reason === 7) return false;
  }
  addEntry(reader.table, bytes, serial, time, date, reason, reader.issuer);
  return true;
}

/** Days before each month, January first. */
const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const daysIn = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Seconds since 1950 of the 13 octets YYMMDDHHMMSSZ; -1 where they are no time. */
function utcSeconds(bytes: Uint8Array, at: number): number {
  const year = two(bytes, at);
  const month = two(bytes, at + 2);
  const day = two(bytes, at + 4);
  const hour = two(bytes, at + 6);
  const minute = two(bytes, at + 8);
  const second = two(bytes, at + 10);
  // RFC 5280 4.1.2.5.1: 50 to 99 are of the twentieth century.
  const since = year >= 50 ? year - 50 : year + 50;
  const leap = (since + 2) % 4 === 0;
  const wrong =
    year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || minute < 0 || second < 0 || bytes[at + 12] !== 0x5a;
  if (wrong || hour > 23 || minute > 59 || second > 59) return -1;
  const inMonth = (daysIn[month - 1] as number) + (leap && month === 2 ? 1 : 0);
  if (day > inMonth) return -1;
  // 1952 is the first leap year; 2000 is one too.
  const days = since * 365 + ((since + 1) >> 2) + (daysBefore[month - 1] as number) + (leap && month > 2 ? 1 : 0) + day;
  return (days - 1) * 86_400 + hour * 3600 + minute * 60 + second;
}

function two(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 0x30;
  const ones = (bytes[at + 1] as number) - 0x30;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1000 : tens * 10 + ones;
}

/** RFC 5280 4.1.2.2 has 20 octets; some issuers write more. */
const mostSerialOctets = 128;

/** Any entry, strictly. Undefined when its end is not in `bytes` yet. */
function readEntry(reader: EntryReader, bytes: Uint8Array, at: number, listEnd: number): number | undefined {
  const name = `revokedCertificates[${reader.table.count}]`;
  const list: DerCursor = { bytes, offset: at, end: listEnd, depthLeft: 12, field: reader.parent };
  const element = expect(list, tags.sequence, name);
  if (element.end > bytes.length) return undefined;
  const inside = enter(element);
  const serial = expect(inside, tags.integer, 'userCertificate');
  if (serial.end - serial.contentStart > mostSerialOctets)
    throw derError(serial, 'too_large', `more than ${mostSerialOctets} octets`);
  const octets = canonicalSerial(integerHex(serial));
  const revokedAt = readTime(inside, 'revocationDate');
  let reason = noReason;
  if (more(inside)) {
    const extensions = expect(inside, tags.sequence, 'crlEntryExtensions');
    // RFC 5280 5.1.2.1: extensions come with version 2.
    if (reader.version === 1) throw derError(extensions, 'value', 'needs version 2');
    reason = readEntryExtensions(reader, extensions);
  }
  finish(inside);
  const date = Math.min(0xffff_ffff, Math.max(0, revokedAt.getTime() / 1000 - epochSeconds));
  addEntry(reader.table, octets, 0, octets.length, date, reason, reader.issuer);
  return element.end;
}

/** Sets the certificate issuer and returns the reason. */
function readEntryExtensions(reader: EntryReader, element: DerElement): number {
  let reason = noReason;
  eachExtension(enter(element), (oid, critical, value, list) => {
    switch (oid) {
      case entryExtensionOids.reasonCode:
        reason = readInside(value, list, readReason, 'reasonCode');
        break;
      case entryExtensionOids.certificateIssuer:
        reader.issuer = readInside(
          value,
          list,
          (cursor, name) => issuerNumber(reader, cursor, name),
          'certificateIssuer',
        );
        break;
      case entryExtensionOids.invalidityDate:
        // RFC 5280 5.3.2: for people; no decision hangs on it.
        readInside(value, list, readTime, 'invalidityDate');
        break;
      default:
        if (critical) reader.unknownCritical.add(oid);
    }
  });
  return reason;
}

/** RFC 5280 5.3.1. A code that does not exist revokes all the same: it is kept as none. */
function readReason(cursor: DerCursor, name: string): number {
  const code = smallInteger(expect(cursor, tags.enumerated, name));
  return code > 10 || code === 7 ? noReason : code;
}

const mostIssuers = 65_536;

function issuerNumber(reader: EntryReader, cursor: DerCursor, name: string): number {
  const names = readGeneralNamesSequence(cursor, name);
  // RFC 5280 5.3.3: the distinguished name from the issuer field of the certificate.
  const directory = names.find((candidate) => candidate.kind === 'directoryName');
  const field = { name, parent: cursor.field };
  if (directory === undefined) throw derError(field, 'value', 'has no directoryName');
  const key = nameKey(directory.name);
  let number = reader.issuerNumbers.get(key);
  if (number === undefined) {
    number = reader.issuers.length;
    if (number > mostIssuers) throw derError(field, 'too_many', `more than ${mostIssuers} certificate issuers`);
    // Apart from the bytes it came in, which need not outlive the reading.
    reader.issuers.push(parseName(new Uint8Array(directory.name.der)));
    reader.issuerNumbers.set(key, number);
  }
  return number;
}
