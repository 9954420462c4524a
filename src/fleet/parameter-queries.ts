import type { Query } from '../platform/postgres.ts';
import { endOf } from './parameter-reading-queries.ts';

/** How much is kept of one device. */
export interface ParameterLimits {
  readonly names: number;
  /** Of names and values together. */
  readonly bytes: number;
}

export interface GivenValues {
  readonly names: readonly string[];
  /** Null: the value is secret, or too long to be kept. */
  readonly values: readonly (string | null)[];
  readonly types: readonly (string | null)[];
}

export interface StoredRow {
  changed: number;
  /** Beyond the limits: known to the device, not kept here. */
  refused: number;
  changes: { name: string; before: string | null; after: string | null }[] | null;
}

/*
 * Long lists go to Postgres as one text each, for the quoting of array literals takes a multiple of the time that all the
 * rest of a statement does. What parts the texts cannot stand in them: XML carries no control characters.
 */
const between = '\u0001';
const nothing = '\u0002';

/** True of a text that `joined` would not bring to Postgres as it is. */
export function partsTexts(text: string): boolean {
  return text.includes(between) || text === nothing;
}

/** For `string_to_array(…, between, nothing)`. Behind each text: an empty list is none, and one empty text is one. */
export function joined(texts: readonly (string | null)[]): string {
  return texts.length === 0 ? '' : `${texts.map((text) => text ?? nothing).join(between)}${between}`;
}

/** The texts of a `joined` list, and one empty text behind them. */
export const textsOf = (parameter: string): string => `string_to_array(${parameter}::text, E'\\x01', E'\\x02')`;

/** With what all of the names begin, and none is: they are of one subtree mostly, whose path is the most of each. */
function beginningOf(names: readonly string[]): string {
  let beginning = names[0] ?? '';
  // A piece compared is a memory comparison; startsWith goes character by character, five times as long.
  for (const name of names)
    while (beginning !== '' && (name.length <= beginning.length || name.slice(0, beginning.length) !== beginning))
      beginning = beginning.slice(0, -1);
  return beginning;
}

/** Changes told in an event. */
const mostTold = 1000;

/**
 * One statement for any number of values: compared where they lie, written only where they differ, counted against the
 * limits of the device. What did not change costs an index look-up and nothing else.
 */
export function storeValues(
  deviceId: string,
  { names, values, types }: GivenValues,
  limits: ParameterLimits,
  at: Date,
): Query {
  const beginning = beginningOf(names);
  const rests = names.map((name) => name.slice(beginning.length));
  return {
    name: 'fleet_store_values',
    text: `
with changed as materialized (
  select g.name, g.value, g.type, p.value as before, p.name is null as fresh
    from (select $8::text || u.rest as name, u.value, u.type
            from unnest(${textsOf('$2')}, ${textsOf('$3')}, ${textsOf('$4')}) as u (rest, value, type)
           where u.rest <> '') g
    left join device_parameters p on p.device_id = $1 and p.name = g.name
   where p.name is null or p.value is distinct from g.value or (g.type is not null and p.type is distinct from g.type)
), totals as materialized (
  select coalesce(max(names), 0) as names, coalesce(max(bytes), 0) as bytes
    from device_parameter_totals where device_id = $1 and exists (select from changed)
), measured as materialized (
  select c.*, octet_length(coalesce(c.value, '')) - octet_length(coalesce(c.before, ''))
              + case when fresh then octet_length(c.name) else 0 end as growth
    from changed c
), summed as materialized (
  select m.*, sum(fresh::int) over upto as fresh_names, sum(growth) over upto as grown
    from measured m window upto as (order by name)
), kept as materialized (
  select s.* from summed s, totals t
   where (not fresh or t.names + fresh_names <= $5) and (growth <= 0 or t.bytes + grown <= $6)
), written as (
  insert into device_parameters as p (device_id, name, value, type, since)
  select $1, name, value, type, $7 from kept order by name
  on conflict (device_id, name) do update set value = excluded.value, type = coalesce(excluded.type, p.type),
         since = case when p.value is distinct from excluded.value then excluded.since else p.since end
), counted as (
  insert into device_parameter_totals as t (device_id, names, bytes)
  select $1, sum(fresh::int), sum(growth) from kept having count(*) > 0
  on conflict (device_id) do update set names = t.names + excluded.names, bytes = t.bytes + excluded.bytes
)
select (select count(*)::int from kept) as changed,
       (select count(*)::int from changed) - (select count(*)::int from kept) as refused,
       (select jsonb_agg(jsonb_build_object('name', name, 'before', before, 'after', value)) from
         (select * from kept where not fresh and before is distinct from value order by name limit ${mostTold}) k
       ) as changes`,
    values: [
      ...[deviceId, joined(rests), joined(values), joined(types)],
      ...[limits.names, limits.bytes, at, beginning],
    ],
  };
}

/** Names and whether they may be written; values are left as they are. */
export function storeNames(
  deviceId: string,
  names: readonly string[],
  writable: readonly boolean[],
  limits: ParameterLimits,
  at: Date,
): Query {
  return {
    name: 'fleet_store_names',
    text: `
with changed as materialized (
  select g.name, g.writable, p.name is null as fresh
    from unnest($2::text[], $3::boolean[]) as g (name, writable)
    left join device_parameters p on p.device_id = $1 and p.name = g.name
   where p.name is null or p.writable is distinct from g.writable
), totals as materialized (
  select coalesce(max(names), 0) as names, coalesce(max(bytes), 0) as bytes
    from device_parameter_totals where device_id = $1 and exists (select from changed)
), summed as materialized (
  select c.*, sum(fresh::int) over upto as fresh_names,
         sum(case when fresh then octet_length(name) else 0 end) over upto as grown
    from changed c window upto as (order by name)
), kept as materialized (
  select s.* from summed s, totals t
   where not fresh or (t.names + fresh_names <= $4 and t.bytes + grown <= $5)
), written as (
  insert into device_parameters as p (device_id, name, writable, since)
  select $1, name, writable, $6 from kept order by name
  on conflict (device_id, name) do update set writable = excluded.writable
), counted as (
  insert into device_parameter_totals as t (device_id, names, bytes)
  select $1, sum(fresh::int), sum(case when fresh then octet_length(name) else 0 end) from kept having count(*) > 0
  on conflict (device_id) do update set names = t.names + excluded.names, bytes = t.bytes + excluded.bytes
)
select (select count(*)::int from kept) as changed,
       (select count(*)::int from changed) - (select count(*)::int from kept) as refused, null as changes`,
    values: [deviceId, names, writable, limits.names, limits.bytes, at],
  };
}

/** Of parameters that are known. */
export function storeAttributes(
  deviceId: string,
  names: readonly string[],
  notifications: readonly number[],
  accessLists: readonly string[],
): Query {
  return {
    name: 'fleet_store_attributes',
    text: `update device_parameters p
              set notification = g.notification, access_list = string_to_array(nullif(g.access_list, ''), ',')
             from unnest($2::text[], $3::smallint[], $4::text[]) as g (name, notification, access_list)
            where p.device_id = $1 and p.name = g.name
              and (p.notification is distinct from g.notification
                or p.access_list is distinct from string_to_array(nullif(g.access_list, ''), ','))`,
    values: [deviceId, names, notifications, accessLists],
  };
}

/** Everything below an object (and the object) except these names, which the device has just listed. */
export function dropBelow(deviceId: string, object: string, present: readonly string[]): Query {
  return {
    name: 'fleet_drop_parameters',
    text: `with dropped as (
             delete from device_parameters
              where device_id = $1 and name >= $2 and name < $3 and name <> all ($4::text[])
             returning octet_length(name) + octet_length(coalesce(value, '')) as bytes
           ), counted as (
             update device_parameter_totals t set names = t.names - d.names, bytes = t.bytes - d.bytes
               from (select count(*)::int as names, coalesce(sum(bytes), 0) as bytes from dropped) d
              where t.device_id = $1 and d.names > 0
           )
           select count(*)::int as changed, 0 as refused, null as changes from dropped`,
    values: [deviceId, object, endOf(object), present],
  };
}

export function keepDigest(deviceId: string, digest: string): Query {
  return {
    name: 'fleet_keep_digest',
    text: `update device_contact set parameters_digest = $2 where device_id = $1`,
    values: [deviceId, digest],
  };
}

export function keepNotificationPolicy(deviceId: string, policy: string): Query {
  return {
    name: 'fleet_keep_notification_policy',
    text: `update device_contact set notification_policy = $2 where device_id = $1`,
    values: [deviceId, policy],
  };
}
