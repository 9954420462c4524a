import type { Query } from '../platform/postgres.ts';
import type { DeviceFilter, DeviceSort } from './listing.ts';

export const deviceColumns = `d.id as "deviceId", d.state, d.state_since as "stateSince", d.origin, d.registered_at as "registeredAt",
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
  model: (p) => `d.product_class = ${p}`,
  softwareVersion: (p) => `d.id in (select s.device_id from device_contact s where s.software_version = ${p})`,
  // The index has the hour alone.
  informedBefore: (p) => `d.id in (select s.device_id from device_contact s
    where s.informed_hour < ${p}::timestamptz and s.last_inform_at < ${p}::timestamptz)`,
  informedAfter: (p) => `d.id in (select s.device_id from device_contact s
    where s.informed_hour > ${p}::timestamptz - interval '1 hour' and s.last_inform_at >= ${p}::timestamptz)`,
  // `<name>=<value>`: no name holds an equals sign. The index has the hash.
  parameter: (p) => `d.id in (select v.device_id from device_parameters v
    where hashtextextended((v.name || '=' || v.value) collate "C", 0) = hashtextextended(${p}::text collate "C", 0)
      and v.value is not null and v.name || '=' || v.value = ${p}::text)`,
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

/** What each order goes by, behind which the id decides; every one is an index. */
const sorts: Readonly<Record<DeviceSort, { readonly key?: string; readonly id: string; readonly from: string }>> = {
  registered: { id: 'd.id', from },
  stateSince: { key: 'd.state_since', id: 'd.id', from },
  lastInform: {
    key: 'c.informed_hour',
    id: 'c.device_id',
    from: 'from device_contact c join devices d on d.id = c.device_id',
  },
};

/** Where a page begins: behind this device and, in orders other than that of registration, this time. */
export interface DevicePosition {
  readonly id: string;
  readonly key?: Date;
}

export interface DeviceOrder {
  readonly sort: DeviceSort;
  readonly descending: boolean;
}

export function listDevices(
  filter: DeviceFilter,
  after: DevicePosition | undefined,
  limit: number,
  { sort, descending }: DeviceOrder = { sort: 'registered', descending: false },
): Query {
  const { values, parameter, conditions: where } = whereOf(filter);
  const order = sorts[sort];
  const [than, way] = descending ? ['<', ' desc'] : ['>', ''];
  if (after !== undefined)
    where.push(
      order.key === undefined
        ? `${order.id} ${than} ${parameter(after.id)}::uuid`
        : `(${order.key}, ${order.id}) ${than} (${parameter(after.key)}::timestamptz, ${parameter(after.id)}::uuid)`,
    );
  const keys = [...(order.key === undefined ? [] : [order.key]), order.id];
  return {
    text: `select ${deviceColumns}, ${order.key ?? 'null::timestamptz'} as key ${order.from} ${clauseOf(where)}
            order by ${keys.map((key) => `${key}${way}`).join(', ')} limit ${parameter(limit)}`,
    values,
  };
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
