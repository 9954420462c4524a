import { hash } from 'node:crypto';
import { readAlgorithmIdentifier, type SignatureAlgorithm, sameAlgorithm, signatureAlgorithmOf } from './algorithms.ts';
import {
  constructed,
  type DerCursor,
  type DerElement,
  derError,
  enter,
  expect,
  finish,
  openOnly,
  openSequence,
  optional,
  primitive,
  tags,
  unwrap,
  whole,
} from './der.ts';
import { readTime } from './der-times.ts';
import { integerHex, octetsOfBitString, smallInteger } from './der-values.ts';
import { type Extensions, noExtensions, readExtensions } from './extensions.ts';
import { type Name, readName } from './name.ts';
import type { ExtensionName } from './oids.ts';
import { type PublicKeyInfo, readPublicKey } from './public-key.ts';

/** A certificate (RFC 5280 4.1) as plain data: views into `der`, judged by nobody yet. */
export interface Certificate {
  readonly der: Uint8Array;
  /** Hex SHA-256 of `der`. */
  readonly fingerprint: string;
  readonly version: 1 | 2 | 3;
  /** Hex, lower case, no leading zeros; "-" before a negative one. */
  readonly serialNumber: string;
  /** Octets of the serial number as encoded. */
  readonly serialOctets: number;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKeyInfo;
  readonly signature: Signature;
  readonly extensions: Extensions;
  /** issuerUniqueID or subjectUniqueID is there (RFC 5280 4.1.2.8 forbids conforming CAs to use them). */
  readonly uniqueIdentifiers: boolean;
}

/** What was signed, how, and the signature. */
export interface Signature {
  readonly algorithm: SignatureAlgorithm;
  /** The algorithm named inside what is signed is the one outside (RFC 5280 4.1.1.2). */
  readonly consistent: boolean;
  /** The octets that are signed. */
  readonly signed: Uint8Array;
  readonly value: Uint8Array;
}

/** Hex SHA-256, under which a certificate is known. */
export function fingerprintOf(der: Uint8Array): string {
  return hash('sha256', der, 'hex');
}

/** Reads one certificate. Throws `DerError`, naming the field, and nothing else. */
export function parseCertificate(der: Uint8Array): Certificate {
  return parseKnown(der, fingerprintOf(der));
}

/**
 * The same, but of the extensions only `wanted` are read: for certificates of which no more is asked, such as those of
 * OCSP responders, whose names nobody looks at.
 */
export function parseFor(der: Uint8Array, wanted: readonly ExtensionName[]): Certificate {
  return parseKnown(der, fingerprintOf(der), wanted);
}

/** The same where the fingerprint is at hand. */
export function parseKnown(der: Uint8Array, fingerprint: string, wanted?: readonly ExtensionName[]): Certificate {
  const certificate = openOnly(der, 'certificate');
  const tbs = expect(certificate, tags.sequence, 'tbsCertificate');
  const algorithm = readAlgorithmIdentifier(certificate, 'signatureAlgorithm');
  const value = octetsOfBitString(expect(certificate, tags.bitString, 'signatureValue'));
  finish(certificate);
  const { inner, ...fields } = readTbs(tbs, wanted);
  return {
    der,
    fingerprint,
    ...fields,
    signature: {
      algorithm: signatureAlgorithmOf(algorithm),
      consistent: sameAlgorithm(inner, algorithm),
      signed: whole(tbs),
      value,
    },
  };
}

function readTbs(element: DerElement, wanted: readonly ExtensionName[] | undefined) {
  const tbs = enter(element);
  const version = readVersion(tbs);
  const serial = expect(tbs, tags.integer, 'serialNumber');
  const inner = readAlgorithmIdentifier(tbs, 'signature');
  const issuer = readName(tbs, 'issuer');
  const validity = openSequence(tbs, 'validity');
  const notBefore = readTime(validity, 'notBefore');
  const notAfter = readTime(validity, 'notAfter');
  finish(validity);
  const subject = readName(tbs, 'subject');
  const publicKey = readPublicKey(tbs, 'subjectPublicKeyInfo');
  const uniqueIdentifiers = readUniqueIdentifiers(tbs);
  const list = optional(tbs, constructed(3), 'extensions');
  finish(tbs);
  return {
    version,
    serialNumber: integerHex(serial),
    serialOctets: serial.end - serial.contentStart,
    inner,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    uniqueIdentifiers,
    extensions: list === undefined ? noExtensions : readExtensions(list, wanted),
  };
}

function readVersion(tbs: DerCursor): 1 | 2 | 3 {
  const outer = optional(tbs, constructed(0), 'version');
  if (outer === undefined) return 1;
  const version = smallInteger(unwrap(outer, tags.integer));
  // X.690 11.5: version 1 is the default and is not encoded.
  if (version !== 1 && version !== 2) throw derError(outer, 'value', 'is not version 2 or 3');
  return version === 1 ? 2 : 3;
}

function readUniqueIdentifiers(tbs: DerCursor): boolean {
  const issuer = optional(tbs, primitive(1), 'issuerUniqueID');
  const subject = optional(tbs, primitive(2), 'subjectUniqueID');
  return issuer !== undefined || subject !== undefined;
}
