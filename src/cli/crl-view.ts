import { type CertificateList, listedCertificates } from '../x509/crl.ts';
import type { CrlExtensions } from '../x509/crl-extensions.ts';
import { nameToString } from '../x509/name.ts';
import { toHex } from '../x509/der.ts';
import { generalNamesText, pointsText } from './extension-text.ts';
import { listText, momentText, type StructureView, type ViewLine } from './structure-view.ts';

const mostEntries = 20;

/** A CRL with its first entries. Whether it can be believed hangs on who asks about what: `certificate check` says. */
export function crlView(crl: CertificateList): StructureView {
  const { issuer, version, thisUpdate, nextUpdate, signature, entries, extensions } = crl;
  const delta = extensions.deltaCRLIndicator === undefined ? 'CRL' : 'Delta CRL';
  const lines: ViewLine[] = [
    ['issuer', nameToString(issuer) || '(none)'],
    ['version', String(version)],
    ['thisUpdate', momentText(thisUpdate)],
    ['nextUpdate', nextUpdate === undefined ? 'none' : momentText(nextUpdate)],
    ['signature', signature.algorithm.name + (signature.consistent ? '' : ' (another is named inside)')],
    ['SHA-256', crl.fingerprint],
    ['size', `${crl.bytes} bytes`],
    ...extensionLines(extensions),
    ['revoked', String(entries.table.count)],
    ...entryLines(crl),
  ];
  return { title: `${delta} of ${nameToString(issuer)}`, lines, marks: [] };
}

function extensionLines(extensions: CrlExtensions): ViewLine[] {
  const { cRLNumber, deltaCRLIndicator, authorityKeyIdentifier, issuingDistributionPoint: scope } = extensions;
  const key = authorityKeyIdentifier?.keyIdentifier;
  return [
    ...(cRLNumber === undefined ? [] : [['cRLNumber', String(cRLNumber)] as const]),
    ...(deltaCRLIndicator === undefined ? [] : [['deltaCRLIndicator', `base ${deltaCRLIndicator}`] as const]),
    ...(key === undefined ? [] : [['authorityKeyIdentifier', toHex(key)] as const]),
    ...(scope === undefined ? [] : [['issuingDistributionPoint', scopeText(scope)] as const]),
    ...(extensions.freshestCRL === undefined ? [] : [['freshestCRL', pointsText(extensions.freshestCRL)] as const]),
    ...(extensions.unknownCritical.length === 0
      ? []
      : [['unknown and critical', listText(extensions.unknownCritical)] as const]),
  ];
}

function scopeText(scope: NonNullable<CrlExtensions['issuingDistributionPoint']>): string {
  const { name, onlySomeReasons } = scope;
  const flags = ['onlyContainsUserCerts', 'onlyContainsCACerts', 'indirectCRL', 'onlyContainsAttributeCerts'] as const;
  const parts = [
    ...(name?.kind === 'fullName' ? [generalNamesText(name.names)] : []),
    ...(name?.kind === 'nameRelativeToCRLIssuer' ? ['a name relative to the CRL issuer'] : []),
    ...flags.filter((flag) => scope[flag]),
    ...(onlySomeReasons === undefined ? [] : [`only ${onlySomeReasons.join(', ')}`]),
  ];
  return parts.join(', ') || 'everything';
}

function entryLines(crl: CertificateList): ViewLine[] {
  const lines: ViewLine[] = [];
  for (const { serialNumber, revokedAt, reason, certificateIssuer } of listedCertificates(crl)) {
    if (lines.length === mostEntries) break;
    const by = certificateIssuer === crl.issuer ? '' : ` of ${nameToString(certificateIssuer)}`;
    lines.push([`  ${serialNumber}`, `${momentText(revokedAt)} ${reason}${by}`]);
  }
  const more = crl.entries.table.count - lines.length;
  if (more > 0) lines.push(['  …', `${more} more`]);
  return lines;
}
