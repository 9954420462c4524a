import type { PathDetail } from './path-failure.ts';
import type { ProfileRule, RuleFinding } from './profile.ts';
import { keyToString, strengthOf } from './public-key.ts';

/** Rules on keys, hashes and signature algorithms. They never look at the anchor's own signature. */

const finding = (detail: PathDetail, message: string): RuleFinding => ({ detail, message });

const goodCurves = ['P-256', 'P-384', 'P-521'];
const weakHashes = ['sha1', 'md5'];

export const strengthRules: readonly ProfileRule[] = [
  {
    name: 'rsa-key-size',
    clause: 'TS 33.310 6.1.1',
    summary: 'RSA keys have at least 2048 bits',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate: { publicKey } }) =>
      isRsa(publicKey.algorithm) && publicKey.bits < 2048
        ? finding('rsa_key_size', `the RSA key has ${publicKey.bits} bits, 2048 are needed`)
        : undefined,
  },
  {
    name: 'rsa-exponent',
    clause: 'TS 33.310 6.1.1',
    summary: 'the public exponent of an RSA key is odd and at least 65537',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate: { publicKey } }) =>
      isRsa(publicKey.algorithm) && !goodExponent(publicKey.exponent ?? '')
        ? finding('rsa_exponent', 'the RSA exponent is even or below 65537')
        : undefined,
  },
  {
    name: 'ec-curve',
    clause: 'TS 33.310 6.1.1',
    summary: 'EC keys are on the named curves P-256, P-384 or P-521',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate: { publicKey } }) =>
      publicKey.algorithm === 'ec' && !goodCurves.includes(publicKey.curve ?? '')
        ? finding('ec_curve', `the EC key is on ${publicKey.curve}, not on P-256, P-384 or P-521`)
        : undefined,
  },
  {
    name: 'key-algorithm',
    clause: 'TS 33.310 6.1.1',
    summary: 'keys are RSA, EC, Ed25519 or DSA',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'refuse' },
    check: ({ certificate: { publicKey } }) =>
      ['rsa', 'rsa-pss', 'ec', 'ed25519', 'dsa'].includes(publicKey.algorithm)
        ? undefined
        : finding('key_algorithm', `the key is ${keyToString(publicKey)}, not RSA, EC, Ed25519 or DSA`),
  },
  {
    name: 'dsa',
    clause: 'TS 33.310 6.1.1',
    // RFC 3279 has it, and FIPS 186-5 verifies old signatures only.
    summary: 'neither keys nor signatures are of DSA',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'warn' },
    check: ({ certificate: { publicKey, signature } }) => {
      if (signature.algorithm.kind === 'dsa')
        return finding('signature_algorithm', `is signed with ${signature.algorithm.name}`);
      return publicKey.algorithm === 'dsa' ? finding('key_algorithm', 'the key is of DSA') : undefined;
    },
  },
  {
    name: 'key-algorithm-mentioned',
    clause: 'TS 33.310 6.1.1',
    summary: 'keys are of the two kinds that the profile mentions, RSA and EC',
    applies: 'every',
    levels: { hems: 'warn', rfc5280: 'off' },
    check: ({ certificate: { publicKey } }) =>
      publicKey.algorithm === 'ed25519' ? finding('key_algorithm', 'the profile does not mention Ed25519') : undefined,
  },
  {
    name: 'signature-hash',
    clause: 'TS 33.310 6.1.1',
    summary: 'signatures are made over SHA-256, SHA-384 or SHA-512',
    applies: 'every',
    levels: { hems: 'refuse', rfc5280: 'off' },
    check: ({ certificate: { signature } }) =>
      'hash' in signature.algorithm && weakHashes.includes(signature.algorithm.hash)
        ? finding('signature_hash', `is signed with ${signature.algorithm.name}`)
        : undefined,
  },
  {
    name: 'rsa-pkcs1',
    clause: 'TS 33.310 6.1.1',
    summary: 'RSA signatures use PSS rather than PKCS #1 v1.5',
    applies: 'every',
    levels: { hems: 'off', rfc5280: 'off' },
    check: ({ certificate: { signature } }) =>
      signature.algorithm.kind === 'rsa-pkcs1'
        ? finding('signature_algorithm', `is signed with ${signature.algorithm.name}`)
        : undefined,
  },
  {
    name: 'issuer-key-strength',
    clause: 'TS 33.310 6.1.1',
    summary: 'the key of the issuer is at least as strong as the one it certifies',
    applies: 'every',
    levels: { hems: 'warn', rfc5280: 'off' },
    check: ({ certificate, issuer }) =>
      strengthOf(issuer.publicKey) < strengthOf(certificate.publicKey)
        ? finding('issuer_key_strength', `${keyToString(certificate.publicKey)} certified by a weaker key`)
        : undefined,
  },
];

function isRsa(algorithm: string): boolean {
  return algorithm === 'rsa' || algorithm === 'rsa-pss';
}

function goodExponent(hex: string): boolean {
  if (!/^[0-9a-f]+$/.test(hex)) return false;
  const exponent = BigInt(`0x${hex}`);
  return exponent >= 65_537n && (exponent & 1n) === 1n;
}
