import { constants, createPublicKey, createVerify, type KeyObject, verify } from 'node:crypto';
import type { SignatureAlgorithm } from './algorithms.ts';
import type { Signature } from './certificate.ts';
import { writePem } from './pem.ts';
import type { PublicKeyInfo } from './public-key.ts';

/** What a verification says. Everything but `good` refuses; each has a name so that the refusal has one. */
export type SignatureVerdict =
  | 'good'
  | 'bad'
  /** The key is not of the kind that the algorithm needs. */
  | 'key_mismatch'
  /** A key that cannot be read, or would cost too much (see `verificationCost`). */
  | 'key_unusable'
  /** The algorithm is refused by name, or has none here. */
  | 'algorithm_refused';

const imported = new WeakMap<PublicKeyInfo, KeyObject | null>();

function keyObjectOf(key: PublicKeyInfo): KeyObject | null {
  let object = imported.get(key);
  if (object === undefined) {
    object = importKey(key);
    imported.set(key, object);
  }
  return object;
}

function importKey(key: PublicKeyInfo): KeyObject | null {
  try {
    // As PEM, because Node takes DER only in an object, and looks at that four times before it reads it: 12 us, not 28.
    return createPublicKey(writePem(key.spki, 'PUBLIC KEY'));
  } catch {
    return null;
  }
}

export function hasImportedKey(key: PublicKeyInfo): boolean {
  return imported.has(key);
}

/** The key as node:crypto takes it; undefined when it cannot be used at all. */
export function toKeyObject(key: PublicKeyInfo): KeyObject | undefined {
  return Number.isFinite(verificationCost(key)) ? (keyObjectOf(key) ?? undefined) : undefined;
}

const keysFor: Readonly<Record<string, readonly string[]>> = {
  'rsa-pkcs1': ['rsa'],
  'rsa-pss': ['rsa', 'rsa-pss'],
  ecdsa: ['ec'],
  dsa: ['dsa'],
  ed25519: ['ed25519'],
};

/** The key for an algorithm, or why it cannot be used. */
function keyFor(algorithm: SignatureAlgorithm, key: PublicKeyInfo): KeyObject | Exclude<SignatureVerdict, 'good'> {
  if (algorithm.kind === 'refused' || algorithm.kind === 'unknown') return 'algorithm_refused';
  if (!keysFor[algorithm.kind]?.includes(key.algorithm)) return 'key_mismatch';
  return toKeyObject(key) ?? 'key_unusable';
}

function optionsFor(algorithm: SignatureAlgorithm, key: KeyObject) {
  // The bare key: wrapped in an object it costs 0.04 ms more a verification.
  if (algorithm.kind !== 'rsa-pss') return key;
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength };
}

/** Verifies over the octets that were signed, never over something encoded anew. */
export function verifySignature({ algorithm, signed, value }: Signature, key: PublicKeyInfo): SignatureVerdict {
  const object = keyFor(algorithm, key);
  if (typeof object === 'string') return object;
  const hashName = 'hash' in algorithm ? algorithm.hash : null;
  return verdictOf(() => verify(hashName, signed, optionsFor(algorithm, object), value));
}

function verdictOf(verified: () => boolean): SignatureVerdict {
  try {
    return verified() ? 'good' : 'bad';
  } catch {
    // OpenSSL throws on what it cannot process, e.g. PSS parameters that the key forbids.
    return 'bad';
  }
}

/** A verification of what comes piece by piece. */
export interface RunningVerification {
  readonly update: (signed: Uint8Array) => void;
  readonly verdict: (value: Uint8Array) => SignatureVerdict;
}

/** The same as `verifySignature` where what is signed is too big to be held at once; Ed25519 holds it all the same. */
export function beginVerification(algorithm: SignatureAlgorithm, key: PublicKeyInfo): RunningVerification {
  const object = keyFor(algorithm, key);
  if (typeof object === 'string') return { update: () => undefined, verdict: () => object };
  if (!('hash' in algorithm)) {
    const pieces: Uint8Array[] = [];
    return {
      update: (signed) => pieces.push(new Uint8Array(signed)),
      verdict: (value) => verdictOf(() => verify(null, Buffer.concat(pieces), object, value)),
    };
  }
  const running = createVerify(algorithm.hash);
  return {
    update: (signed) => running.update(signed),
    verdict: (value) => verdictOf(() => running.verify(optionsFor(algorithm, object), value)),
  };
}

/**
 * What one verification costs, in verifications of P-256 (0.06 to 0.1 ms), measured and rounded up; Infinity for keys
 * that are never used, because a stranger could make one verification last for seconds with them.
 */
export function verificationCost({ algorithm, bits, curve, exponent, parameters }: PublicKeyInfo): number {
  switch (algorithm) {
    case 'rsa':
    case 'rsa-pss': {
      if (bits < 512 || bits > 8192 || exponent === undefined || !/^[0-9a-f]{1,8}$/.test(exponent))
        return Number.POSITIVE_INFINITY;
      const usual = Math.ceil((bits / 4096) ** 2);
      return exponent.length <= 5 ? usual : 3 * usual;
    }
    case 'ec':
      return curveCost[curve ?? ''] ?? Number.POSITIVE_INFINITY;
    case 'ed25519':
      return 2;
    case 'dsa':
      return parameters === undefined ? Number.POSITIVE_INFINITY : (dsaCost[bits] ?? Number.POSITIVE_INFINITY);
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** By the length of p, of those that FIPS 186-4 allows. */
const dsaCost: Readonly<Record<number, number>> = { 1024: 2, 2048: 6, 3072: 12 };

const curveCost: Readonly<Record<string, number>> = { 'P-256': 1, 'P-384': 11, 'P-521': 23 };

/** Reading a key costs this much of a verification of P-256, whatever its kind. */
export const importCost = 0.5;
