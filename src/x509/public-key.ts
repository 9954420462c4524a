import { hash } from 'node:crypto';
import { readAlgorithmIdentifier } from './algorithms.ts';
import { type DerCursor, type DerElement, enter, expect, finish, openDer, tags, whole } from './der.ts';
import { octetsOfBitString, oidOf, readHexInteger } from './der-values.ts';

export type KeyAlgorithm =
  | 'rsa'
  | 'rsa-pss'
  | 'ec'
  | 'ed25519'
  | 'ed448'
  | 'x25519'
  | 'x448'
  | 'dsa'
  | 'dh'
  | 'unknown';

/** SubjectPublicKeyInfo as plain data (RFC 5280 4.1.2.7, RFC 3279, RFC 5480, RFC 8410). */
export interface PublicKeyInfo {
  readonly algorithm: KeyAlgorithm;
  readonly oid: string;
  /** The whole SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** The key itself: the octets of subjectPublicKey (what an OCSP issuerKeyHash is made of). */
  readonly key: Uint8Array;
  /** RSA: length of the modulus. DSA: of p. EC: size of the field. 0 where unknown. */
  readonly bits: number;
  /** EC: P-256, P-384, P-521, or the OID of another named curve; `explicit` where it is spelt out. */
  readonly curve?: string;
  /** RSA: the public exponent, hex. */
  readonly exponent?: string;
  /** DSA: Dss-Parms in DER; absent where they are those of the issuer's key (RFC 3279 2.3.2). */
  readonly parameters?: Uint8Array;
}

const keyAlgorithms: Readonly<Record<string, KeyAlgorithm>> = {
  '1.2.840.113549.1.1.1': 'rsa',
  '1.2.840.113549.1.1.10': 'rsa-pss',
  '1.2.840.10045.2.1': 'ec',
  '1.3.101.110': 'x25519',
  '1.3.101.111': 'x448',
  '1.3.101.112': 'ed25519',
  '1.3.101.113': 'ed448',
  '1.2.840.10040.4.1': 'dsa',
  '1.2.840.10046.2.1': 'dh',
};

const curves: Readonly<Record<string, readonly [name: string, bits: number]>> = {
  '1.2.840.10045.3.1.7': ['P-256', 256],
  '1.3.132.0.34': ['P-384', 384],
  '1.3.132.0.35': ['P-521', 521],
  '1.2.840.10045.3.1.1': ['P-192', 192],
  '1.3.132.0.33': ['P-224', 224],
  '1.3.132.0.10': ['secp256k1', 256],
  '1.3.36.3.3.2.8.1.1.7': ['brainpoolP256r1', 256],
  '1.3.36.3.3.2.8.1.1.11': ['brainpoolP384r1', 384],
  '1.3.36.3.3.2.8.1.1.13': ['brainpoolP512r1', 512],
};

const fixedBits: Readonly<Partial<Record<KeyAlgorithm, number>>> = { ed25519: 256, x25519: 256, ed448: 456, x448: 448 };

export function readPublicKey(cursor: DerCursor, name: string): PublicKeyInfo {
  const element = expect(cursor, tags.sequence, name);
  const inside = enter(element);
  const { oid, parameters } = readAlgorithmIdentifier(inside, 'algorithm');
  const keyElement = expect(inside, tags.bitString, 'subjectPublicKey');
  finish(inside);
  const algorithm = keyAlgorithms[oid] ?? 'unknown';
  const base = { algorithm, oid, spki: whole(element), key: octetsOfBitString(keyElement) };
  if (algorithm === 'rsa' || algorithm === 'rsa-pss') return { ...base, ...rsaNumbers(keyElement) };
  if (algorithm === 'ec') return { ...base, ...curveOf(parameters) };
  if (algorithm === 'dsa') return { ...base, ...dssParameters(parameters) };
  return { ...base, bits: fixedBits[algorithm] ?? 0 };
}

/** RSAPublicKey (RFC 8017 A.1.1), inside the BIT STRING. */
function rsaNumbers(keyElement: DerElement): { bits: number; exponent: string } {
  const cursor = enter(keyElement, 1);
  const numbers = { ...enter(expect(cursor, tags.sequence, 'key')), field: keyElement };
  finish(cursor);
  const modulus = readHexInteger(numbers, 'modulus');
  const exponent = readHexInteger(numbers, 'publicExponent');
  finish(numbers);
  return { bits: bitLength(modulus), exponent };
}

/** 0 for a negative number. */
function bitLength(hex: string): number {
  if (hex === '' || hex.startsWith('-')) return 0;
  const top = Number.parseInt(hex[0] ?? '0', 16);
  return 4 * (hex.length - 1) + (top === 0 ? 0 : 32 - Math.clz32(top));
}

/** Dss-Parms ::= SEQUENCE { p, q, g INTEGER } (RFC 3279 2.3.2). */
function dssParameters(parameters: DerElement | undefined): { bits: number; parameters?: Uint8Array } {
  if (parameters?.tag !== tags.sequence) return { bits: 0 };
  const numbers = enter(parameters);
  const [p] = ['p', 'q', 'g'].map((name) => readHexInteger(numbers, name));
  finish(numbers);
  return { bits: bitLength(p ?? ''), parameters: whole(parameters) };
}

function curveOf(parameters: DerElement | undefined): { bits: number; curve: string } {
  // RFC 5480 2.1.1: only namedCurve is used in certificates.
  if (parameters?.tag !== tags.oid) return { bits: 0, curve: 'explicit' };
  const oid = oidOf(parameters);
  const [curve, bits] = curves[oid] ?? [oid, 0];
  return { bits, curve };
}

/** Reads a SubjectPublicKeyInfo that stands alone. */
export function parsePublicKey(der: Uint8Array): PublicKeyInfo {
  const cursor = openDer(der, 'subjectPublicKeyInfo');
  const key = readPublicKey(cursor, 'subjectPublicKeyInfo');
  finish(cursor);
  return key;
}

/** Hex SHA-256 of the whole SubjectPublicKeyInfo: the same in every certificate of the key. */
export function keyFingerprint(key: PublicKeyInfo): string {
  return hash('sha256', key.spki, 'hex');
}

/** Comparable strength in bits (NIST SP 800-57 part 1, table 2); 0 where unknown. */
export function strengthOf({ algorithm, bits }: PublicKeyInfo): number {
  if (algorithm === 'ed448') return 224;
  if (algorithm === 'ec' || algorithm === 'ed25519') return Math.floor(bits / 2);
  if (algorithm !== 'rsa' && algorithm !== 'rsa-pss') return 0;
  const step = rsaStrength.find(([atLeast]) => bits >= atLeast);
  return step?.[1] ?? 0;
}

const rsaStrength: readonly (readonly [atLeast: number, strength: number])[] = [
  [15_360, 256],
  [7680, 192],
  [4096, 152],
  [3072, 128],
  [2048, 112],
  [1024, 80],
];

/** For people: `EC P-256`, `RSA 2048`. */
export function keyToString({ algorithm, bits, curve, oid }: PublicKeyInfo): string {
  if (algorithm === 'ec') return `EC ${curve ?? ''}`;
  if (algorithm === 'unknown') return `key of unknown type ${oid}`;
  return bits > 0 && fixedBits[algorithm] === undefined ? `${algorithm.toUpperCase()} ${bits}` : algorithm;
}
