import type { CertificateList } from './crl.ts';
import { generalNameKey } from './crl-scope.ts';
import { sameBytes } from './der.ts';
import type { AuthorityKeyIdentifier } from './extension-keys.ts';
import { namesEqual } from './name.ts';

/** Whether a delta CRL may be put on a complete one (RFC 5280 5.2.4, 6.3.3 (c)); signature and time apart. */
export function updates(delta: CertificateList, complete: CertificateList): boolean {
  const base = delta.extensions.deltaCRLIndicator;
  const [before, after] = [complete.extensions.cRLNumber, delta.extensions.cRLNumber];
  if (base === undefined || before === undefined || after === undefined) return false;
  // 5.2.4 (c): the complete one is no older than the base, and older than the delta.
  if (before < base || after <= before) return false;
  return namesEqual(delta.issuer, complete.issuer) && sameScope(delta, complete) && sameKey(delta, complete);
}

/** 6.3.3 (c)(2). */
function sameScope(a: CertificateList, b: CertificateList): boolean {
  const [first, second] = [a.extensions.issuingDistributionPoint, b.extensions.issuingDistributionPoint];
  if (first === undefined || second === undefined) return first === second;
  return sameBytes(first.der, second.der);
}

/** 6.3.3 (c)(3). */
function sameKey(a: CertificateList, b: CertificateList): boolean {
  return keyText(a.extensions.authorityKeyIdentifier) === keyText(b.extensions.authorityKeyIdentifier);
}

function keyText(id: AuthorityKeyIdentifier | undefined): string | undefined {
  if (id === undefined) return undefined;
  const key = id.keyIdentifier === undefined ? '' : Buffer.from(id.keyIdentifier).toString('hex');
  return JSON.stringify([key, id.serialNumber ?? '', (id.issuer ?? []).map(generalNameKey)]);
}
