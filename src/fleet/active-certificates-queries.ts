import type { Query } from '../platform/postgres.ts';

export interface ActiveCertificateRow {
  device_id: string;
  anchor: string;
  value: string;
  fingerprint: string;
  certificate: Buffer | null;
  chain: Buffer[] | null;
}

/** Of each active device behind `after` the approved certificate that it showed last. */
export function activeCertificatesAfter(after: string | undefined, limit: number): Query {
  return {
    name: 'fleet_active_certificates',
    text: `select d.id as device_id, c.anchor, c.value, encode(c.fingerprint, 'hex') as fingerprint, s.certificate,
                  h.certificates as chain
             from devices d
             cross join lateral (
               select * from device_certificates k where k.device_id = d.id and k.state = 'approved'
                order by k.last_seen desc, k.fingerprint limit 1) c
             left join shown_certificates s on s.device_id = d.id and s.fingerprint = c.fingerprint
             left join certificate_chains h on h.id = c.chain_id
            where d.state in ('active', 'held') and ($1::uuid is null or d.id > $1)
            order by d.id limit $2`,
    values: [after ?? null, limit],
  };
}
