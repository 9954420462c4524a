import type { Certificate } from './certificate.ts';
import type { CertificateStatus, UnknownCause } from './certificate-status.ts';
import type { CertificateList, RevokedEntry } from './crl.ts';
import type { CrlFault } from './crl-freshness.ts';
import type { CrlReport } from './crl-question.ts';
import { crlExtensionOids } from './oids.ts';

/** What the CRLs said, as a status. */

type Revoking = RevokedEntry & { readonly reason: Exclude<RevokedEntry['reason'], 'removeFromCRL'> };

export function revokes(entry: RevokedEntry | undefined): entry is Revoking {
  return entry !== undefined && entry.reason !== 'removeFromCRL';
}

export function revokedBy(
  { revokedAt, reason }: Revoking,
  { thisUpdate, nextUpdate }: CertificateList,
): CertificateStatus {
  return { kind: 'revoked', revokedAt, reason, thisUpdate, ...(nextUpdate === undefined ? {} : { nextUpdate }) };
}

/** Good as long as every CRL that it rests on is. */
export function goodBy(used: readonly CertificateList[]): CertificateStatus {
  const ends = used.flatMap(({ nextUpdate }) => nextUpdate ?? []);
  const nextUpdate = ends.length === 0 ? {} : { nextUpdate: earliest(ends) };
  return { kind: 'good', thisUpdate: earliest(used.map(({ thisUpdate }) => thisUpdate)), ...nextUpdate };
}

function earliest(times: readonly Date[]): Date {
  return new Date(Math.min(...times.map((time) => time.getTime())));
}

/** From what says least of a certificate to what says most. */
const ranks: readonly UnknownCause[] = [
  'out-of-scope',
  'too-large',
  'unauthorized-signer',
  'bad-signature',
  'malformed',
  'weak-signature',
  'not-yet-valid',
  'stale',
  'critical-extension',
];

export function tellsMore(cause: UnknownCause, than: UnknownCause): boolean {
  return ranks.indexOf(cause) > ranks.indexOf(than);
}

/** The most telling of what went wrong. */
export function unknownBy(
  certificate: Certificate,
  reports: readonly CrlReport[],
  partlyCovered: boolean,
): CertificateStatus {
  let cause: UnknownCause | undefined;
  let detail: string | undefined;
  for (const report of reports) {
    if (report.cause === undefined || report.use === 'complete') continue;
    if (cause === undefined || tellsMore(report.cause, cause)) ({ cause, detail } = report);
  }
  if (partlyCovered && (cause === undefined || cause === 'out-of-scope'))
    return { kind: 'unknown', cause: 'reasons-incomplete', detail: 'the CRLs at hand cover some reasons only' };
  if (cause !== undefined) return { kind: 'unknown', cause, ...(detail === undefined ? {} : { detail }) };
  // REV-10: no CRL of its issuer, or of one that it names, is at hand.
  return certificate.extensions.cRLDistributionPoints === undefined
    ? { kind: 'unknown', cause: 'no-pointer', detail: 'no CRL of its issuer is at hand, and it names none' }
    : { kind: 'unknown', cause: 'not-fetched', detail: 'no CRL of its issuer is at hand' };
}

/** REV-15, RFC 5280 5.2, 5.3: such a list may revoke, and cannot say "good". */
export function criticalFault({ extensions, entries }: CertificateList): CrlFault | undefined {
  const oid = extensions.unknownCritical[0] ?? entries.unknownCritical[0];
  if (oid === undefined) return undefined;
  const number = oid === crlExtensionOids.cRLNumber;
  // 5.2.3
  const detail = number ? 'its CRLNumber is critical' : `it has the unknown critical extension ${oid}`;
  return { cause: 'critical-extension', detail };
}
