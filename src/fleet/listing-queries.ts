import type { Query } from '../platform/postgres.ts';
import type { DeviceFilter } from './listing.ts';

const columns = `d.id as "deviceId", d.state, d.state_since as "stateSince", d.origin, d.registered_at as "registeredAt",
  d.oui, d.product_class as "productClass", d.serial_number as "serialNumber",
  d.serial_provenance as "serialProvenance", d.note, c.last_inform_at as "lastInformAt",
  c.manufacturer, c.software_version as "softwareVersion",
  array(select i.anchor || ' ' || i.value from device_identities i where i.device_id = d.id order by 1) as identities`;

const from = 'from devices d left join device_contact c on c.device_id = d.id';

/** One condition a filter; each is served by an index. */
const conditions: Readonly<Record<keyof DeviceFilter, (parameter: string) => string>> = {
  state: (p) => `d.state = ${p}`,
  anchor: (p) => `exists (select from device_identities i where i.device_id = d.id and i.anchor = ${p})`,
  identityPrefix: (p) => `d.id in (select l.device_id from identity_lookup l where l.value like ${p})`,
  oui: (p) => `d.id in (select s.device_id from device_serials s where s.oui = ${p})`,
  serialNumber: (p) => `d.id in (select s.device_id from device_serials s where s.serial_number = ${p})`,
};

export function listDevices(filter: DeviceFilter, after: string | undefined, limit: number): Query {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const where = Object.entries(filter).flatMap(([key, value]) =>
    value === undefined ? [] : [conditions[key as keyof DeviceFilter](parameter(parameterOf(key, value)))],
  );
  if (after !== undefined) where.push(`d.id > ${parameter(after)}::uuid`);
  const clause = where.length === 0 ? '' : `where ${where.join(' and ')}`;
  return { text: `select ${columns} ${from} ${clause} order by d.id limit ${parameter(limit)}`, values };
}

function parameterOf(key: string, value: string): string {
  if (key === 'identityPrefix') return `${value.replace(/[\\%_]/g, '\\$&')}%`;
  return key === 'oui' ? value.toUpperCase() : value;
}

export function oneDevice(deviceId: string): Query {
  return { text: `select ${columns} ${from} where d.id = $1`, values: [deviceId] };
}

export function deviceIdentities(deviceId: string): Query {
  return {
    text: `select anchor, kind, value, linked_at as "linkedAt", linked_by as "linkedBy"
             from device_identities where device_id = $1 order by linked_at, anchor, value`,
    values: [deviceId],
  };
}

export function deviceCertificates(deviceId: string, limit: number): Query {
  return {
    text: `select encode(fingerprint, 'hex') as fingerprint, encode(spki, 'hex') as "keyFingerprint", anchor, value as identity,
                  state, subject, issuer, serial_number as "serialNumber", not_before as "notBefore",
                  not_after as "notAfter", first_seen as "firstSeen", last_seen as "lastSeen",
                  decided_at as "decidedAt", decided_by as "decidedBy"
             from device_certificates where device_id = $1 order by first_seen desc, fingerprint limit $2`,
    values: [deviceId, limit],
  };
}

export function lastContact(deviceId: string): Query {
  return {
    text: `select last_inform_at as at, last_events as events, listener, host(remote_address) as "remoteAddress",
                  cwmp_version as "cwmpVersion", manufacturer, oui, product_class as "productClass",
                  software_version as "softwareVersion", hardware_version as "hardwareVersion"
             from device_contact where device_id = $1`,
    values: [deviceId],
  };
}

export function lastDecisions(deviceId: string, limit: number): Query {
  return {
    text: `select id, at, outcome, stage, reason, detail, listener, host(remote_address) as "remoteAddress",
                  remote_port as "remotePort", tls_version as "tlsVersion", cipher_suite as "cipherSuite", resumed,
                  anchor, identity_value as identity, encode(fingerprint, 'hex') as fingerprint
             from admissions where device_id = $1 order by at desc, id desc limit $2`,
    values: [deviceId, limit],
  };
}

export function lastChanges(deviceId: string, limit: number): Query {
  return {
    text: `select id, at, actor_kind as "actorKind", actor, action, before, after, reason
             from changes where device_id = $1 order by at desc, id desc limit $2`,
    values: [deviceId, limit],
  };
}
