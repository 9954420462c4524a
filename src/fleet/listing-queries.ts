import type { Query } from '../platform/postgres.ts';
import type { DeviceFilter } from './listing.ts';

const columns = `d.id as "deviceId", d.state, d.state_since as "stateSince", d.origin, d.registered_at as "registeredAt",
  d.oui, d.product_class as "productClass", d.serial_number as "serialNumber",
  d.serial_provenance as "serialProvenance", d.note, d.tags, d.site, d.replaced_by as "replacedBy", c.last_inform_at as "lastInformAt",
  c.manufacturer, c.software_version as "softwareVersion",
  (select min(newest) from (select max(e.not_after) as newest from device_certificates e
     where e.device_id = d.id and e.state = 'approved' group by e.anchor, e.kind, e.value) each) as "expiresAt",
  array(select i.anchor || ' ' || i.value from device_identities i where i.device_id = d.id order by 1) as identities`;

const from = 'from devices d left join device_contact c on c.device_id = d.id';

/** One condition a filter; each is served by an index. */
const conditions: Readonly<Record<keyof DeviceFilter, (parameter: string) => string>> = {
  deviceId: (p) => `d.id = ${p}::uuid`,
  state: (p) => `d.state = ${p}`,
  anchor: (p) => `d.id in (select i.device_id from device_identities i where i.anchor = ${p})`,
  identityPrefix: (p) => `d.id in (select l.device_id from identity_lookup l where l.value like ${p})`,
  oui: (p) => `d.id in (select s.device_id from device_serials s where s.oui = ${p})`,
  serialNumber: (p) => `d.id in (select s.device_id from device_serials s where s.serial_number = ${p})`,
  tag: (p) => `d.tags @> array[${p}::text]`,
  group: (p) => `d.tags @> array[${p}::text]`,
  site: (p) => `d.site = ${p}`,
  // An identity whose newest approved certificate ends before then.
  expiresBefore: (p) => `d.state in ('expected', 'held', 'active') and d.id in (
    select c.device_id from device_certificates c
     where c.state = 'approved' and c.not_after < ${p}::timestamptz and not exists (
       select from device_certificates n
        where n.device_id = c.device_id and n.anchor = c.anchor and n.kind = c.kind and n.value = c.value
          and n.state = 'approved' and n.not_after >= ${p}::timestamptz))`,
};

/** The names by which doors know the filters. */
export const filterNames = Object.keys(conditions) as readonly (keyof DeviceFilter)[];

interface Where {
  readonly values: unknown[];
  readonly parameter: (value: unknown) => string;
  readonly conditions: string[];
}

function whereOf(filter: DeviceFilter): Where {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const found = filterNames.flatMap((key) => {
    const value = filter[key];
    return value === undefined ? [] : [conditions[key](parameter(parameterOf(key, value)))];
  });
  return { values, parameter, conditions: found };
}

function clauseOf(found: readonly string[]): string {
  return found.length === 0 ? '' : `where ${found.join(' and ')}`;
}

export function listDevices(filter: DeviceFilter, after: string | undefined, limit: number): Query {
  const { values, parameter, conditions: where } = whereOf(filter);
  if (after !== undefined) where.push(`d.id > ${parameter(after)}::uuid`);
  return { text: `select ${columns} ${from} ${clauseOf(where)} order by d.id limit ${parameter(limit)}`, values };
}

export function countDevices(filter: DeviceFilter): Query {
  const { values, conditions: where } = whereOf(filter);
  return { text: `select count(*) as count from devices d ${clauseOf(where)}`, values };
}

/** Ids alone, for moves of many; `states` narrows to those that the move concerns. */
export function listIds(
  filter: DeviceFilter,
  states: readonly string[],
  after: string | undefined,
  limit: number,
): Query {
  const { values, parameter, conditions: where } = whereOf(filter);
  where.push(`d.state = any(${parameter(states)}::text[])`);
  if (after !== undefined) where.push(`d.id > ${parameter(after)}::uuid`);
  return {
    text: `select d.id as "deviceId" from devices d ${clauseOf(where)} order by d.id limit ${parameter(limit)}`,
    values,
  };
}

export function countInStates(filter: DeviceFilter, states: readonly string[]): Query {
  const { values, parameter, conditions: where } = whereOf(filter);
  where.push(`d.state = any(${parameter(states)}::text[])`);
  return { text: `select count(*) as count from devices d ${clauseOf(where)}`, values };
}

/** The records as a shipping file has them, one row an identity, devices in the order of their ids. */
export function exportPage(filter: DeviceFilter, after: string | undefined, limit: number): Query {
  const { values, parameter, conditions: where } = whereOf(filter);
  if (filter.state === undefined) where.push(`d.state <> 'retired'`);
  if (after !== undefined) where.push(`d.id > ${parameter(after)}::uuid`);
  return {
    text: `select d.id as device, i.anchor, i.value as identity, d.oui, d.product_class, d.serial_number,
                  encode(coalesce(i.expected_fingerprint, (
                    select c.fingerprint from device_certificates c
                     where c.device_id = d.id and c.anchor = i.anchor and c.kind = i.kind and c.value = i.value
                       and c.state = 'approved' order by c.last_seen desc, c.fingerprint limit 1)), 'hex') as fingerprint,
                  d.tags, d.site, d.note
             from (select * from devices d ${clauseOf(where)} order by d.id limit ${parameter(limit)}) d
             join device_identities i on i.device_id = d.id
            order by d.id, i.linked_at, i.anchor, i.value`,
    values,
  };
}

function parameterOf(key: keyof DeviceFilter, value: string | Date): string | Date {
  if (typeof value !== 'string') return value;
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
