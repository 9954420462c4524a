import assert from 'node:assert/strict';
import { constants, type KeyObject, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { toKeyObject, verificationCost, verifySignature } from '../../src/x509/signature.ts';
import * as der from './der-writer.ts';
import { algorithms, type KeyPair, keyNumber, mint, newKey, type SigningAlgorithm } from './minting.ts';

const rsa = newKey('rsa-2048');

function signedWith(algorithm: SigningAlgorithm, by: KeyPair, verifier = by) {
  const { certificate } = mint({ algorithm, by: { key: by, subject: der.sequence() } });
  const holder = mint({ key: verifier, algorithm: algorithms['ecdsa-sha256'], by: signer });
  return { certificate, verdict: verifySignature(certificate.signature, holder.certificate.publicKey) };
}

const signer = { key: keyNumber(0), subject: der.sequence() };

const hashOids = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1', sha512: '2.16.840.1.101.3.4.2.3' } as const;

interface PssOptions {
  readonly hash?: keyof typeof hashOids;
  readonly mask?: keyof typeof hashOids;
  readonly salt?: number;
  readonly trailer?: number;
  readonly signWith?: number;
}

function pss({ hash = 'sha256', mask = hash, salt = 32, trailer, signWith = salt }: PssOptions): SigningAlgorithm {
  const id = (name: keyof typeof hashOids) => der.sequence(der.oid(hashOids[name]), der.nothing());
  const parameters = der.sequence(
    der.explicit(0, id(hash)),
    der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), id(mask))),
    der.explicit(2, der.integer(salt)),
    ...(trailer === undefined ? [] : [der.explicit(3, der.integer(trailer))]),
  );
  return {
    identifier: der.sequence(der.oid('1.2.840.113549.1.1.10'), parameters),
    sign: (tbs: Uint8Array, key: KeyObject) =>
      sign(hash, tbs, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: signWith }),
  };
}

describe('signatures that are accepted', () => {
  for (const [name, algorithm, key] of [
    ['RSA PKCS #1 v1.5', algorithms['rsa-sha256'], rsa],
    ['RSA PSS with SHA-256', pss({}), rsa],
    ['RSA PSS with SHA-512 and another salt length', pss({ hash: 'sha512', salt: 20 }), rsa],
    ['ECDSA on P-256', algorithms['ecdsa-sha256'], newKey('P-256')],
    ['ECDSA on P-384', algorithms['ecdsa-sha384'], newKey('P-384')],
    ['ECDSA on P-521', algorithms['ecdsa-sha512'], newKey('P-521')],
    ['Ed25519', algorithms.ed25519, newKey('ed25519')],
    // Verified so that the profile can name them as what they are: weak.
    ['SHA-1 with RSA', algorithms['rsa-sha1'], rsa],
    ['MD5 with RSA', algorithms['rsa-md5'], rsa],
    ['SHA-1 with ECDSA', algorithms['ecdsa-sha1'], newKey('P-256')],
  ] as const)
    test(name, () => {
      assert.equal(signedWith(algorithm, key).verdict, 'good');
      const other = newKey(key.publicKey.asymmetricKeyType === 'rsa' ? 'rsa-2048' : 'P-256');
      assert.notEqual(signedWith(algorithm, key, other).verdict, 'good');
    });

  test('an RSA signature without the NULL of its parameters, which some write', () => {
    const identifier = der.sequence(der.oid('1.2.840.113549.1.1.11'));
    assert.equal(signedWith({ ...algorithms['rsa-sha256'], identifier }, rsa).verdict, 'good');
  });
});

describe('signatures that are refused by name', () => {
  const named = (oid: string, parameters?: Uint8Array): SigningAlgorithm => ({
    identifier: der.sequence(der.oid(oid), ...(parameters === undefined ? [] : [parameters])),
    sign: () => Buffer.from([1]),
  });

  for (const [oid, name] of [
    ['1.2.840.113549.1.1.2', 'md2WithRSAEncryption'],
    ['2.16.840.1.101.3.4.3.1', 'dsa-with-sha224'],
    ['1.3.101.113', 'Ed448'],
    ['1.2.156.10197.1.501', 'sm2sign-with-sm3'],
    ['2.16.840.1.101.3.4.3.17', 'ML-DSA-44'],
  ] as const)
    test(name, () => {
      const { certificate, verdict } = signedWith(named(oid), rsa);
      assert.equal(verdict, 'algorithm_refused');
      assert.deepEqual(certificate.signature.algorithm, { kind: 'refused', name });
    });

  test('one without a name, by its number', () => {
    const { certificate, verdict } = signedWith(named('1.2.3.4.5'), rsa);
    assert.equal(verdict, 'algorithm_refused');
    assert.deepEqual(certificate.signature.algorithm, { kind: 'unknown', name: '1.2.3.4.5' });
  });

  test('ECDSA and Ed25519 with parameters', () => {
    for (const oid of ['1.2.840.10045.4.3.2', '1.3.101.112'])
      assert.equal(signedWith(named(oid, der.nothing()), rsa).verdict, 'algorithm_refused');
  });

  for (const [what, options] of [
    ['two different hashes', { mask: 'sha512' }],
    ['a trailer of its own', { trailer: 2 }],
    ['a salt longer than any hash', { salt: 65, signWith: 32 }],
  ] as const)
    test(`RSA PSS with ${what}`, () => assert.equal(signedWith(pss(options), rsa).verdict, 'algorithm_refused'));

  test('RSA PSS without parameters', () => {
    assert.equal(signedWith(named('1.2.840.113549.1.1.10'), rsa).verdict, 'algorithm_refused');
  });

  test('a salt of another length than the parameters say', () => {
    assert.equal(signedWith(pss({ salt: 20, signWith: 32 }), rsa).verdict, 'bad');
  });
});

describe('keys that do not fit or cost too much', () => {
  test('a key of another kind', () => {
    assert.equal(signedWith(algorithms['rsa-sha256'], rsa, keyNumber(0)).verdict, 'key_mismatch');
    assert.equal(signedWith(algorithms['ecdsa-sha256'], keyNumber(0), rsa).verdict, 'key_mismatch');
  });

  const spki = (modulus: bigint, exponent: bigint): Uint8Array =>
    der.sequence(
      der.sequence(der.oid('1.2.840.113549.1.1.1'), der.nothing()),
      der.bits(der.sequence(der.integer(modulus), der.integer(exponent))),
    );
  const publicKeyOf = (bytes: Uint8Array) =>
    parseCertificate(mint({ key: { ...keyNumber(0), spki: bytes } }).der).publicKey;

  test('an RSA key above 8192 bits or with an exponent above 32 is never used', () => {
    const modulus = (1n << 2047n) | 1n;
    assert.equal(verificationCost(publicKeyOf(spki(modulus, 65537n))), 1);
    assert.equal(verificationCost(publicKeyOf(spki(modulus, (1n << 32n) - 5n))), 3);
    for (const key of [
      spki(modulus, (1n << 33n) + 1n),
      spki((1n << 8192n) | 1n, 65537n),
      spki(-7n, 3n),
      spki(modulus, -3n),
    ]) {
      assert.equal(verificationCost(publicKeyOf(key)), Number.POSITIVE_INFINITY);
      assert.equal(toKeyObject(publicKeyOf(key)), undefined);
    }
  });

  test('a point that is not on its curve', () => {
    const bytes = Uint8Array.from(keyNumber(0).spki);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    assert.equal(toKeyObject(publicKeyOf(bytes)), undefined);
    const { certificate } = mint({ by: signer });
    assert.equal(verifySignature(certificate.signature, publicKeyOf(bytes)), 'key_unusable');
  });
});

test('no octet of a signature can be changed, added or left out', () => {
  for (const [algorithm, key] of [
    [algorithms['ecdsa-sha256'], keyNumber(0)],
    [algorithms['rsa-sha256'], rsa],
    [algorithms.ed25519, newKey('ed25519')],
  ] as const) {
    const { certificate } = mint({ algorithm, by: { key, subject: der.sequence() } });
    const holder = mint({ key, algorithm: algorithms['ecdsa-sha256'], by: signer }).certificate.publicKey;
    const { signature } = certificate;
    const tried = (value: Uint8Array) => verifySignature({ ...signature, value }, holder);
    assert.equal(tried(signature.value), 'good');
    for (let i = 0; i < signature.value.length; i += 5) {
      const changed = Uint8Array.from(signature.value);
      changed[i] = (changed[i] ?? 0) ^ 0x10;
      assert.equal(tried(changed), 'bad');
    }
    assert.equal(tried(Buffer.concat([signature.value, Buffer.from([0])])), 'bad');
    assert.equal(tried(Buffer.concat([Buffer.from([0]), signature.value])), 'bad');
    assert.equal(tried(signature.value.subarray(1)), 'bad');
    assert.equal(tried(new Uint8Array()), 'bad');
  }
});
