import type { CertificatePath } from '../x509/path.ts';

/** OpenSSL's verdicts that mean something here, as Node names them. UNSPECIFIED is every one Node has no name for. */
export const secondLockErrors = [
  'CERT_SIGNATURE_FAILURE',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_CHAIN_TOO_LONG',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'OUT_OF_MEM',
  'UNSPECIFIED',
] as const;

export type SecondLockError = (typeof secondLockErrors)[number];

/** The audit's word for it. */
export type SecondLockDetail = `openssl_${Lowercase<SecondLockError>}`;

export function secondLockDetail(error: SecondLockError): SecondLockDetail {
  return `openssl_${error.toLowerCase() as Lowercase<SecondLockError>}`;
}

/** What it was not asked to judge: CRLs, host names. Any other word, and a new one too, objects. */
const meaningless = /CRL|^HOSTNAME_MISMATCH$|^CERT_REVOKED$/;

/** OpenSSL insists on a self-signed root at the top, which an anchor of RFC 5280 6.1.1 (d) need not be. */
const rootless: readonly string[] = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
];

const anyExtendedKeyUsage = '2.5.29.37.0';
const clientAuth = '1.3.6.1.5.5.7.3.2';

/** What the second lock holds against a path that our own judge found good; undefined when that is nothing. */
export function secondLockObjection(
  error: string | undefined,
  path: CertificatePath,
  at: Date,
): SecondLockError | undefined {
  if (error === undefined || meaningless.test(error)) return undefined;
  const known = secondLockErrors.find((name) => name === error) ?? 'UNSPECIFIED';
  if (rootless.includes(known) && !isSelfIssued(path)) return undefined;
  // An anchor outside its validity that the operator accepts.
  if (known === 'CERT_HAS_EXPIRED' && path.anchor.notAfter < at) return undefined;
  if (known === 'CERT_NOT_YET_VALID' && path.anchor.notBefore > at) return undefined;
  if (known === 'INVALID_PURPOSE' && onlyAnyPurpose(path)) return undefined;
  return known;
}

function isSelfIssued({ anchor }: CertificatePath): boolean {
  return Buffer.compare(anchor.subject.der, anchor.issuer.der) === 0;
}

/** anyExtendedKeyUsage without clientAuth beside it, which RFC 5280 4.2.1.12 takes for every purpose. */
function onlyAnyPurpose({ leaf, intermediates }: CertificatePath): boolean {
  return [leaf, ...intermediates].some(({ extensions: { extKeyUsage: purposes } }) => {
    return purposes?.includes(anyExtendedKeyUsage) === true && !purposes.includes(clientAuth);
  });
}
