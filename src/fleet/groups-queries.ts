import type { Query } from '../platform/postgres.ts';

export function deviceInGroup(deviceId: string, group: string): Query {
  return {
    name: 'fleet_device_in_group',
    text: 'select 1 as found from devices where id = $1 and tags @> array[$2::text]',
    values: [deviceId, group],
  };
}
