import type { CertificateList } from './crl.ts';
import { generalNameKey } from './crl-scope.ts';
import { toHex } from './der.ts';
import type { AuthorityKeyIdentifier } from './extension-keys.ts';
import { nameKey } from './path-anchor.ts';

/** Whether a delta CRL may be put on a complete one (RFC 5280 5.2.4, 6.3.3 (c)); signature and time apart. */
export function updates(delta: CertificateList, complete: CertificateList): boolean {
  const base = delta.extensions.deltaCRLIndicator;
  const [before, after] = [complete.extensions.cRLNumber, delta.extensions.cRLNumber];
  if (base === undefined || before === undefined || after === undefined) return false;
  // 5.2.4 (c): the complete one is no older than the base, and older than the delta.
  if (before < base || after <= before) return false;
  // 6.3.3 (c): the same issuer, scope and key.
  return seriesOf(delta) === seriesOf(complete);
}

const series = new WeakMap<CertificateList, string>();

/**
 * The same for lists that replace one another: of one issuer, one scope (the whole issuingDistributionPoint) and one key
 * (RFC 5280 5.2.3: numbers count within an issuer and a scope).
 */
export function seriesOf(crl: CertificateList): string {
  let key = series.get(crl);
  if (key === undefined) {
    const { issuingDistributionPoint: idp, authorityKeyIdentifier } = crl.extensions;
    key = JSON.stringify([
      nameKey(crl.issuer),
      idp === undefined ? null : toHex(idp.der),
      keyOf(authorityKeyIdentifier),
    ]);
    series.set(crl, key);
  }
  return key;
}

function keyOf(id: AuthorityKeyIdentifier | undefined): unknown {
  if (id === undefined) return null;
  const key = id.keyIdentifier === undefined ? '' : toHex(id.keyIdentifier);
  return [key, id.serialNumber ?? '', (id.issuer ?? []).map(generalNameKey)];
}
