import { hash } from 'node:crypto';
import { readAlgorithmIdentifier } from './algorithms.ts';
import type { Certificate } from './certificate.ts';
import { content, type DerCursor, derError, expect, finish, openSequence, tags, toHex } from './der.ts';
import { encode, encodeHexInteger, encodeOid, encodeSequence } from './der-encoding.ts';
import { readHexInteger } from './der-values.ts';

/** What a CertID may be made with; SHA-1 is an identifier here and no signature (RFC 5019 2.1.1, RFC 9919). */
export type CertIdHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

const hashOids: Readonly<Record<CertIdHash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};

/** Which certificate is meant (RFC 6960 4.1.1); hashes and serial number in hex. */
export interface CertId {
  /** Undefined for a hash function that has no name here: such an ID matches nothing. */
  readonly hash: CertIdHash | undefined;
  readonly issuerNameHash: string;
  readonly issuerKeyHash: string;
  /** As `Certificate.serialNumber`. */
  readonly serialNumber: string;
}

/** RFC 6960 4.1.1: over the issuer's name as the certificate has it, and the issuer's key without tag and length. */
export function certIdOf(certificate: Certificate, issuer: Certificate, algorithm: CertIdHash): CertId {
  return {
    hash: algorithm,
    issuerNameHash: hash(algorithm, certificate.issuer.der, 'hex'),
    issuerKeyHash: hash(algorithm, issuer.publicKey.key, 'hex'),
    serialNumber: certificate.serialNumber,
  };
}

/** RFC 6960 3.2 (1): every field. */
export function sameCertId(a: CertId, b: CertId): boolean {
  return (
    a.hash !== undefined &&
    a.hash === b.hash &&
    a.issuerNameHash === b.issuerNameHash &&
    a.issuerKeyHash === b.issuerKeyHash &&
    a.serialNumber === b.serialNumber
  );
}

export function readCertId(cursor: DerCursor, name: string): CertId {
  const inside = openSequence(cursor, name);
  const { oid, parameters } = readAlgorithmIdentifier(inside, 'hashAlgorithm');
  // RFC 4055 2.1: NULL or absent.
  if (parameters !== undefined && (parameters.tag !== tags.null || parameters.end !== parameters.contentStart))
    throw derError(parameters, 'value', 'a hash function has no parameters');
  const issuerNameHash = toHex(content(expect(inside, tags.octetString, 'issuerNameHash')));
  const issuerKeyHash = toHex(content(expect(inside, tags.octetString, 'issuerKeyHash')));
  const serialNumber = readHexInteger(inside, 'serialNumber');
  finish(inside);
  return { hash: hashNames.get(oid), issuerNameHash, issuerKeyHash, serialNumber };
}

const hashNames = new Map(Object.entries(hashOids).map(([name, oid]) => [oid, name as CertIdHash]));

export function writeCertId({ hash: algorithm, issuerNameHash, issuerKeyHash, serialNumber }: CertId): Uint8Array {
  if (algorithm === undefined) throw new TypeError('a CertID is made with a hash function that has a name');
  return encodeSequence(
    // With NULL, as RFC 5019 A.1 and every deployed client have it: some responders compare octets.
    encodeSequence(encodeOid(hashOids[algorithm]), encode(tags.null)),
    encode(tags.octetString, Buffer.from(issuerNameHash, 'hex')),
    encode(tags.octetString, Buffer.from(issuerKeyHash, 'hex')),
    encodeHexInteger(serialNumber),
  );
}
