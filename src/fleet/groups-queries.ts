import type { Bind } from '../platform/bounded-search-queries.ts';
import type { Query } from '../platform/postgres.ts';

/** A row `t` that belongs to a device with this tag. */
export function ofGroup(bind: Bind, group: string): string {
  return `exists (select from devices d where d.id = t.device_id and d.tags @> array[${bind(group)}::text])`;
}

export function deviceInGroup(deviceId: string, group: string): Query {
  return {
    name: 'fleet_device_in_group',
    text: 'select 1 as found from devices where id = $1 and tags @> array[$2::text]',
    values: [deviceId, group],
  };
}
