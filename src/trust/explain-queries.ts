import type { Query } from '../platform/postgres.ts';
import type { DecisionRow } from './decision-log-queries.ts';
import type { StoredVerdict } from './evidence.ts';

export interface ExplainedRow extends DecisionRow {
  readonly verdict: StoredVerdict | null;
}

const columns = `id, at, recorded_at, stage, reason, detail, peer, connection_id, listener,
  host(remote_address) as remote_address, remote_port, tls_version, cipher_suite, resumed, anchor,
  identity_value as identity, encode(fingerprint, 'hex') as fingerprint, subject, issuer, serial_number, verdict`;

export function decisionsOfDevice(deviceId: string, limit: number): Query {
  return {
    text: `select ${columns}, outcome, device_id from admissions where device_id = $1 order by at desc, id desc limit $2`,
    values: [deviceId, limit],
  };
}

/** By the id of the decision, which is also that of its event. */
export function decisionById(id: string): Query {
  return {
    text: `(select ${columns}, outcome, device_id from admissions where id = $1)
           union all
           (select ${columns}, 'refused' as outcome, null::uuid as device_id from refusals where id = $1)
           limit 1`,
    values: [id],
  };
}
