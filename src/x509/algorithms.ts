import {
  constructed,
  type DerCursor,
  type DerElement,
  enter,
  expect,
  finish,
  more,
  optional,
  sameBytes,
  take,
  tags,
  whole,
} from './der.ts';
import { readOid, smallInteger } from './der-values.ts';

export type HashName = 'sha256' | 'sha384' | 'sha512' | 'sha1' | 'md5';

/**
 * How a certificate, CRL or answer was signed. `refused` ones are known by name and never verified;
 * `unknown` ones have no name here.
 */
export type SignatureAlgorithm =
  | { readonly kind: 'rsa-pkcs1' | 'ecdsa' | 'dsa'; readonly name: string; readonly hash: HashName }
  | { readonly kind: 'rsa-pss'; readonly name: string; readonly hash: HashName; readonly saltLength: number }
  | { readonly kind: 'ed25519'; readonly name: string }
  | { readonly kind: 'refused'; readonly name: string }
  | { readonly kind: 'unknown'; readonly name: string };

/** AlgorithmIdentifier (RFC 5280 4.1.1.2). */
export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly der: Uint8Array;
  readonly parameters: DerElement | undefined;
}

export function readAlgorithmIdentifier(cursor: DerCursor, name: string): AlgorithmIdentifier {
  const element = expect(cursor, tags.sequence, name);
  const inside = enter(element);
  const oid = readOid(inside, 'algorithm');
  const parameters = more(inside) ? take(inside, 'parameters') : undefined;
  finish(inside);
  return { oid, der: whole(element), parameters };
}

const signed: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.11': { kind: 'rsa-pkcs1', name: 'sha256WithRSAEncryption', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { kind: 'rsa-pkcs1', name: 'sha384WithRSAEncryption', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { kind: 'rsa-pkcs1', name: 'sha512WithRSAEncryption', hash: 'sha512' },
  '1.2.840.113549.1.1.5': { kind: 'rsa-pkcs1', name: 'sha1WithRSAEncryption', hash: 'sha1' },
  '1.2.840.113549.1.1.4': { kind: 'rsa-pkcs1', name: 'md5WithRSAEncryption', hash: 'md5' },
  '1.2.840.10045.4.3.2': { kind: 'ecdsa', name: 'ecdsa-with-SHA256', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { kind: 'ecdsa', name: 'ecdsa-with-SHA384', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { kind: 'ecdsa', name: 'ecdsa-with-SHA512', hash: 'sha512' },
  '1.2.840.10045.4.1': { kind: 'ecdsa', name: 'ecdsa-with-SHA1', hash: 'sha1' },
  // Verified for the RFC's sake (RFC 3279 2.2.2, RFC 5758 3.1); the profile of femtocells refuses it.
  '1.2.840.10040.4.3': { kind: 'dsa', name: 'dsa-with-sha1', hash: 'sha1' },
  '2.16.840.1.101.3.4.3.2': { kind: 'dsa', name: 'dsa-with-sha256', hash: 'sha256' },
  '1.3.101.112': { kind: 'ed25519', name: 'Ed25519' },
};

/** Known, and refused by name: too weak, outside the profile, or never seen in a certificate that we should trust. */
const refused: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'md2WithRSAEncryption',
  '1.2.840.113549.1.1.3': 'md4WithRSAEncryption',
  '1.2.840.113549.1.1.14': 'sha224WithRSAEncryption',
  '1.2.840.113549.1.1.15': 'sha512-224WithRSAEncryption',
  '1.2.840.113549.1.1.16': 'sha512-256WithRSAEncryption',
  '1.3.14.3.2.29': 'sha1WithRSASignature',
  '1.2.840.10045.4.3.1': 'ecdsa-with-SHA224',
  '2.16.840.1.101.3.4.3.1': 'dsa-with-sha224',
  '2.16.840.1.101.3.4.3.3': 'dsa-with-sha384',
  '2.16.840.1.101.3.4.3.4': 'dsa-with-sha512',
  '2.16.840.1.101.3.4.3.9': 'ecdsa-with-SHA3-224',
  '2.16.840.1.101.3.4.3.10': 'ecdsa-with-SHA3-256',
  '2.16.840.1.101.3.4.3.11': 'ecdsa-with-SHA3-384',
  '2.16.840.1.101.3.4.3.12': 'ecdsa-with-SHA3-512',
  '1.3.101.113': 'Ed448',
  '1.2.156.10197.1.501': 'sm2sign-with-sm3',
  '1.2.643.7.1.1.3.2': 'gost2012-256',
  '1.2.643.7.1.1.3.3': 'gost2012-512',
  '2.16.840.1.101.3.4.3.17': 'ML-DSA-44',
  '2.16.840.1.101.3.4.3.18': 'ML-DSA-65',
  '2.16.840.1.101.3.4.3.19': 'ML-DSA-87',
};

const hashes: Readonly<Record<string, HashName>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

const pss = '1.2.840.113549.1.1.10';

/** Parameters that a signature algorithm must not have or must have as NULL only are part of its name here. */
export function signatureAlgorithmOf(identifier: AlgorithmIdentifier): SignatureAlgorithm {
  const { oid, parameters } = identifier;
  if (oid === pss) return pssOf(parameters);
  const known = signed[oid];
  if (known === undefined) {
    const name = refused[oid];
    return name === undefined ? { kind: 'unknown', name: oid } : { kind: 'refused', name };
  }
  // RFC 4055 5: NULL for PKCS#1 v1.5 (absent is tolerated); RFC 5758 3.2 and RFC 8410 3: absent for the others.
  const isNull = parameters?.tag === tags.null && parameters.end === parameters.contentStart;
  const fits = parameters === undefined || (known.kind === 'rsa-pkcs1' && isNull);
  return fits ? known : { kind: 'refused', name: `${known.name} with parameters` };
}

const mgf1 = '1.2.840.113549.1.1.8';
const refusedPss = (why: string): SignatureAlgorithm => ({ kind: 'refused', name: `RSASSA-PSS ${why}` });

/** RSASSA-PSS-params (RFC 4055 3.1). The defaults mean SHA-1, MGF1 with SHA-1 and a salt of 20 octets. */
function pssOf(parameters: DerElement | undefined): SignatureAlgorithm {
  if (parameters?.tag !== tags.sequence) return refusedPss('without parameters');
  const cursor = enter(parameters);
  const hash = readExplicit(cursor, 0, 'hashAlgorithm', readHash) ?? 'sha1';
  const mask = readExplicit(cursor, 1, 'maskGenAlgorithm', readMask) ?? 'sha1';
  const saltLength = readExplicit(cursor, 2, 'saltLength', readSmall) ?? 20;
  const trailer = readExplicit(cursor, 3, 'trailerField', readSmall) ?? 1;
  finish(cursor);
  if (hash === 'other' || mask === 'other') return refusedPss('with an unknown hash');
  if (hash !== mask) return refusedPss('with two different hashes');
  if (trailer !== 1 || saltLength > 64) return refusedPss('with unusual parameters');
  return { kind: 'rsa-pss', name: `RSASSA-PSS with ${hash}`, hash, saltLength };
}

function readExplicit<T>(
  cursor: DerCursor,
  tag: number,
  name: string,
  read: (cursor: DerCursor, name: string) => T,
): T | undefined {
  const outer = optional(cursor, constructed(tag), name);
  if (outer === undefined) return undefined;
  const inside = { ...enter(outer), field: cursor.field };
  const value = read(inside, name);
  finish(inside);
  return value;
}

function readSmall(cursor: DerCursor, name: string): number {
  return smallInteger(expect(cursor, tags.integer, name));
}

function readHash(cursor: DerCursor, name: string): HashName | 'other' {
  return hashes[readAlgorithmIdentifier(cursor, name).oid] ?? 'other';
}

function readMask(cursor: DerCursor, name: string): HashName | 'other' {
  const { oid, parameters } = readAlgorithmIdentifier(cursor, name);
  if (oid !== mgf1 || parameters?.tag !== tags.sequence) return 'other';
  return hashes[readOid(enter(parameters), 'hash')] ?? 'other';
}

/** RFC 5280 4.1.1.2, 4.1.2.3: the algorithm inside and outside of what is signed must be the same. */
export function sameAlgorithm(a: AlgorithmIdentifier, b: AlgorithmIdentifier): boolean {
  return sameBytes(a.der, b.der);
}
