import type { Query } from '../platform/postgres.ts';

export interface ShownRow {
  readonly device_id: string;
  readonly fingerprint: Buffer;
  readonly anchor: string;
  readonly chain_id: Buffer;
  readonly certificate: Buffer;
}

/** In the order of the primary key, behind the row given. */
export function shownAfter(deviceId: string, fingerprint: Buffer, limit: number): Query {
  return {
    name: 'fleet_shown_after',
    text: `select s.device_id, s.fingerprint, c.anchor, c.chain_id, s.certificate
             from shown_certificates s
             join device_certificates c on c.device_id = s.device_id and c.fingerprint = s.fingerprint
            where (s.device_id, s.fingerprint) > ($1::uuid, $2::bytea)
            order by s.device_id, s.fingerprint limit $3`,
    values: [deviceId, fingerprint, limit],
  };
}

export function chainById(id: Buffer): Query {
  return { name: 'fleet_chain_by_id', text: 'select certificates from certificate_chains where id = $1', values: [id] };
}

/** Certificates whose octets were never kept. */
export function countUnkept(): Query {
  return {
    text: `select count(*)::int as unkept from device_certificates c
            where not exists (select from shown_certificates s
                               where s.device_id = c.device_id and s.fingerprint = c.fingerprint)`,
  };
}
