import type { Queryable } from '../platform/postgres.ts';
import { deviceInGroup } from './groups-queries.ts';

/** Whether the device is there and bears the tag of the group. */
export async function isInGroup(db: Queryable, deviceId: string, group: string): Promise<boolean> {
  return (await db.query(deviceInGroup(deviceId, group))).rows.length > 0;
}
