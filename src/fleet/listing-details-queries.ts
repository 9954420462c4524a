import type { Query } from '../platform/postgres.ts';
import { deviceColumns } from './listing-queries.ts';

/** A device with its identities, what it last said of itself, and the newest of its certificates, in one round trip. */
export function oneDevice(deviceId: string, certificates: number): Query {
  return {
    name: 'fleet_one_device',
    text: `select ${deviceColumns}, c.last_events as "lastEvents", c.listener, host(c.remote_address) as "remoteAddress",
                  c.cwmp_version as "cwmpVersion", c.oui as "saidOui", c.product_class as "saidProductClass",
                  c.hardware_version as "hardwareVersion",
                  (select jsonb_agg(jsonb_build_object('anchor', i.anchor, 'kind', i.kind, 'value', i.value,
                            'linkedAt', i.linked_at, 'linkedBy', i.linked_by) order by i.linked_at, i.anchor, i.value)
                     from device_identities i where i.device_id = d.id) as "identityRecords",
                  (select jsonb_agg(to_jsonb(k)) from (
                     select encode(fingerprint, 'hex') as fingerprint, encode(spki, 'hex') as "keyFingerprint", anchor,
                            value as identity, state, subject, issuer, serial_number as "serialNumber",
                            not_before as "notBefore", not_after as "notAfter", first_seen as "firstSeen",
                            last_seen as "lastSeen", decided_at as "decidedAt", decided_by as "decidedBy"
                       from device_certificates where device_id = d.id
                      order by first_seen desc, device_certificates.fingerprint limit $2) k) as certificates
             from devices d left join device_contact c on c.device_id = d.id where d.id = $1`,
    values: [deviceId, certificates],
  };
}

export function lastDecisions(deviceId: string, limit: number): Query {
  return {
    name: 'fleet_last_decisions',
    text: `select id, at, outcome, stage, reason, detail, listener, host(remote_address) as "remoteAddress",
                  remote_port as "remotePort", tls_version as "tlsVersion", cipher_suite as "cipherSuite", resumed,
                  anchor, identity_value as identity, encode(fingerprint, 'hex') as fingerprint
             from admissions where device_id = $1 order by at desc, id desc limit $2`,
    values: [deviceId, limit],
  };
}

export function lastChanges(deviceId: string, limit: number): Query {
  return {
    name: 'fleet_last_changes',
    text: `select id, at, actor_kind as "actorKind", actor, action, before, after, reason
             from changes where device_id = $1 order by at desc, id desc limit $2`,
    values: [deviceId, limit],
  };
}
