import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { content, enter, openDer, take } from '../../src/x509/der.ts';
import { readHexInteger } from '../../src/x509/der-values.ts';
import { parsePublicKey } from '../../src/x509/public-key.ts';
import * as der from './der-writer.ts';
import type { KeyPair, SigningAlgorithm } from './minting.ts';

/** DSA keys over parameters of one's choice, with or without the parameters in them. */

export interface DsaParameters {
  readonly p: bigint;
  readonly q: bigint;
  readonly g: bigint;
}

const dsa = '1.2.840.10040.4.1';

export function newParameters(): DsaParameters {
  const { publicKey } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
  const { parameters } = parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }));
  const cursor = enter(take(openDer(parameters ?? new Uint8Array(), 'parameters'), 'parameters'));
  const [p, q, g] = ['p', 'q', 'g'].map((name) => BigInt(`0x${readHexInteger(cursor, name)}`)) as [
    bigint,
    bigint,
    bigint,
  ];
  return { p, q, g };
}

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus)
    if (e & 1n) result = (result * b) % modulus;
  return result;
}

/** The key of a secret number under the parameters; `inherits` leaves them out of what is certified. */
export function dsaKey(
  parameters: DsaParameters,
  options: { inherits?: boolean; secret?: bigint; y?: bigint } = {},
): KeyPair {
  const { p, q, g } = parameters;
  const x = options.secret ?? (BigInt(`0x${randomBytes(19).toString('hex')}`) % (q - 2n)) + 1n;
  const y = options.y ?? power(g, x, p);
  const dss = der.sequence(der.integer(p), der.integer(q), der.integer(g));
  const algorithm = der.sequence(der.oid(dsa), dss);
  const pkcs8 = der.sequence(der.integer(0), algorithm, der.octets(der.integer(x)));
  const whole = der.sequence(algorithm, der.bits(der.integer(y)));
  const bare = der.sequence(der.sequence(der.oid(dsa)), der.bits(der.integer(y)));
  return {
    privateKey: createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }),
    publicKey: createPublicKey({ key: Buffer.from(whole), format: 'der', type: 'spki' }),
    spki: options.inherits === true ? bare : whole,
  };
}

/** y of a key, as its parameters would have it. */
export function publicNumber({ publicKey }: KeyPair): bigint {
  const { key } = parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }));
  const bytes = content(take(openDer(key, 'y'), 'y'));
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

const signing = (oid: string, hash: string): SigningAlgorithm => ({
  identifier: der.sequence(der.oid(oid)),
  sign: (tbs, key) => sign(hash, tbs, key),
});

export const dsaSha1 = signing('1.2.840.10040.4.3', 'sha1');
export const dsaSha256 = signing('2.16.840.1.101.3.4.3.2', 'sha256');
