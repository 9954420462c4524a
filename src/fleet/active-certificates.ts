import type { Queryable } from '../platform/postgres.ts';
import { type ActiveCertificateRow, activeCertificatesAfter } from './active-certificates-queries.ts';

/** What an active device showed last and would show again. */
export interface ActiveCertificate {
  readonly deviceId: string;
  readonly anchor: string;
  readonly identity: string;
  readonly fingerprint: string;
  /** DER, leaf first; empty for a certificate that was last shown before hems kept them whole. */
  readonly chain: readonly Uint8Array[];
}

/** Of all active devices, page by page: one certificate each. */
export async function* activeCertificates(db: Queryable, page = 500): AsyncGenerator<readonly ActiveCertificate[]> {
  let after: string | undefined;
  for (;;) {
    const { rows } = await db.query<ActiveCertificateRow>(activeCertificatesAfter(after, page));
    if (rows.length === 0) return;
    yield rows.map(({ device_id, anchor, value, fingerprint, certificate, chain }) => ({
      deviceId: device_id,
      anchor,
      identity: value,
      fingerprint,
      chain: certificate === null ? [] : [certificate, ...(chain ?? [])],
    }));
    after = rows.at(-1)?.device_id;
    if (rows.length < page) return;
  }
}
