import type { Query } from '../platform/postgres.ts';

export interface GroupFigures {
  readonly devices: Readonly<Record<string, number>>;
  readonly informedLastHour: number;
  readonly informedLastDay: number;
}

const hours = (column: string, count: number): string => `${column} > $1::timestamptz - interval '${count} hours'`;

/** Of devices with the tag: by the index of tags, and one look-up for each. */
export function groupFigures(group: string, at: Date): Query {
  return {
    name: 'fleet_group_figures',
    text: `with own as materialized (select id, state from devices where tags @> array[$2::text])
           select (select coalesce(jsonb_object_agg(state, n), '{}') from
                    (select state, count(*) as n from own group by state) d) as devices,
                  count(*) filter (where ${hours('c.last_inform_at', 1)})::int as "informedLastHour",
                  count(*) filter (where ${hours('c.last_inform_at', 24)})::int as "informedLastDay"
             from own join device_contact c on c.device_id = own.id`,
    values: [at, group],
  };
}

/** Of all: by the index of the hours alone, so to the hour. */
export function informedFigures(at: Date): Query {
  return {
    name: 'fleet_informed_figures',
    text: `select count(*) filter (where ${hours('informed_hour', 1)})::int as "informedLastHour",
                  count(*)::int as "informedLastDay"
             from device_contact where ${hours('informed_hour', 24)}`,
    values: [at],
  };
}
