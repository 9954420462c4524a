import type { SignatureAlgorithm } from './algorithms.ts';
import { fingerprintOf } from './certificate.ts';
import type { RevocationReason } from './certificate-status.ts';
import { type EntryReader, newEntryReader, readEntries } from './crl-entries.ts';
import type { CrlExtensions } from './crl-extensions.ts';
import { type CrlHead, type CrlTail, readHead, readTail } from './crl-frame.ts';
import { epochSeconds, findEntry, finishTable, type RevokedTable, removeFromCRL, serialText } from './crl-table.ts';
import { type DerLimits, derError } from './der.ts';
import { type Name, namesEqual } from './name.ts';
import { nameKey } from './path-anchor.ts';
import type { SignatureVerdict } from './signature.ts';

/**
 * A CRL (RFC 5280 5) as plain data, judged by nobody yet: `judgeByCrls` does that. A small one comes from `parseCrl`,
 * a big one from a worker thread, without its DER.
 */
export interface CertificateList {
  /** Hex SHA-256 of the DER. */
  readonly fingerprint: string;
  /** Octets of the DER. */
  readonly bytes: number;
  readonly version: 1 | 2;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date;
  readonly extensions: CrlExtensions;
  readonly entries: RevokedCertificates;
  readonly signature: CrlSignature;
}

/** How a CRL is signed, and what verifying it said so far. */
export interface CrlSignature {
  readonly algorithm: SignatureAlgorithm;
  /** The algorithm named inside what is signed is the one outside (RFC 5280 5.1.1.2). */
  readonly consistent: boolean;
  readonly value: Uint8Array;
  /** The octets that are signed; undefined once they were dropped, and then only the verdicts below are known. */
  readonly signed: Uint8Array | undefined;
  /** By the SubjectPublicKeyInfo of the key, see `verdictKey`. `judgeByCrls` adds to it where `signed` is there. */
  readonly verdicts: Map<string, SignatureVerdict>;
}

/** The entries of a CRL, to be looked up exactly. */
export interface RevokedCertificates {
  readonly table: RevokedTable;
  /** Names of certificate issuers; number 0 is the issuer of the CRL, the others come from indirect entries. */
  readonly issuers: readonly Name[];
  /** The numbers by `nameKey`. */
  readonly issuerNumbers: ReadonlyMap<string, number>;
  /** OIDs of critical entry extensions that are not processed: such a CRL cannot say "good" (RFC 5280 5.3). */
  readonly unknownCritical: readonly string[];
}

export interface RevokedEntry {
  readonly revokedAt: Date;
  /** `removeFromCRL` takes an entry of the base back (RFC 5280 5.3.1). */
  readonly reason: RevocationReason | 'removeFromCRL';
}

/**
 * Reads a CRL in DER (RFC 5280 5.1), version 1 or 2. Throws `DerError`, naming the field, and nothing else. `der` must
 * not change afterwards. Costs about 0.3 µs an entry: what is bigger than a few hundred kilobytes belongs in a worker.
 */
export function parseCrl(der: Uint8Array, limits?: DerLimits): CertificateList {
  const head = readHead(der, der.length, limits);
  const { tbs } = head;
  const reader = readerFor(head);
  readAllEntries(reader, head, der);
  const tail = readTail(der, 0, head);
  return listOf(head, tail, closeEntries(reader), {
    fingerprint: fingerprintOf(der),
    signed: der.subarray(tbs.start, tbs.end),
    verdicts: new Map(),
  });
}

export function readerFor(head: CrlHead): EntryReader {
  return newEntryReader(head.list, head.version, head.issuer, head.tbs);
}

function readAllEntries(reader: EntryReader, head: CrlHead, der: Uint8Array): void {
  if (head.list === undefined) return;
  readEntries(reader, der, head.list.contentStart, 0);
}

export function closeEntries(reader: EntryReader): RevokedCertificates {
  const table = finishTable(reader.table);
  if (table === undefined)
    throw derError({ name: 'revokedCertificates', parent: reader.parent }, 'too_many', 'serial numbers collide');
  const { issuers, issuerNumbers, unknownCritical } = reader;
  return { table, issuers, issuerNumbers, unknownCritical: [...unknownCritical] };
}

/** Puts the parts together. */
export function listOf(
  head: CrlHead,
  tail: CrlTail,
  entries: RevokedCertificates,
  known: Pick<CrlSignature, 'signed' | 'verdicts'> & { readonly fingerprint: string },
): CertificateList {
  const { version, issuer, thisUpdate, nextUpdate, algorithm, total } = head;
  const { consistent, value, extensions } = tail;
  const { fingerprint, signed, verdicts } = known;
  return {
    fingerprint,
    bytes: total,
    version,
    issuer,
    thisUpdate,
    ...(nextUpdate === undefined ? {} : { nextUpdate }),
    extensions,
    entries,
    signature: { algorithm, consistent, value, signed, verdicts },
  };
}

/**
 * The entry of one certificate, by its serial number (hex, as `Certificate.serialNumber`) and its issuer; exact, well
 * under a microsecond whatever the size of the list. This is what the list says, not what may be believed.
 */
export function lookUp(
  entries: RevokedCertificates,
  serialNumber: string,
  certificateIssuer: Name,
): RevokedEntry | undefined {
  // REV-12, RFC 5280 5.3.3: a serial number counts under the certificate issuer of its entry alone.
  const issuer = issuerNumber(entries, certificateIssuer);
  if (issuer === undefined) return undefined;
  const entry = findEntry(entries.table, serialNumber, issuer);
  return entry < 0 ? undefined : entryAt(entries.table, entry);
}

function issuerNumber({ issuers, issuerNumbers }: RevokedCertificates, name: Name): number | undefined {
  const [own] = issuers;
  if (own !== undefined && namesEqual(own, name)) return 0;
  return issuers.length === 1 ? undefined : issuerNumbers.get(nameKey(name));
}

const reasonCodes: Readonly<Record<number, RevokedEntry['reason']>> = {
  1: 'keyCompromise',
  2: 'cACompromise',
  3: 'affiliationChanged',
  4: 'superseded',
  5: 'cessationOfOperation',
  6: 'certificateHold',
  [removeFromCRL]: 'removeFromCRL',
  9: 'privilegeWithdrawn',
  10: 'aACompromise',
};

function entryAt({ dates, reasons }: RevokedTable, entry: number): RevokedEntry {
  const seconds = (dates[entry] as number) + epochSeconds;
  return { revokedAt: new Date(seconds * 1000), reason: reasonCodes[reasons[entry] as number] ?? 'unspecified' };
}

export interface ListedCertificate extends RevokedEntry {
  /** Hex, as `Certificate.serialNumber`. */
  readonly serialNumber: string;
  readonly certificateIssuer: Name;
}

/** The entries in the order of the list. */
export function* listedCertificates(list: CertificateList): Generator<ListedCertificate> {
  const { table, issuers } = list.entries;
  for (let entry = 0; entry < table.count; entry++) {
    const serial = table.serials.subarray(table.starts[entry], table.starts[entry + 1]);
    const certificateIssuer = issuers[table.issuers?.[entry] ?? 0] ?? list.issuer;
    yield { serialNumber: serialText(serial), certificateIssuer, ...entryAt(table, entry) };
  }
}

/** The key under which `CrlSignature.verdicts` knows a public key. */
export function verdictKey(spki: Uint8Array): string {
  return Buffer.from(spki.buffer, spki.byteOffset, spki.length).toString('latin1');
}
