import type { Queryable } from '../platform/postgres.ts';
import type { DeviceState } from './device.ts';
import * as queries from './listing-queries.ts';
import { isPersonal, isSecret } from './secret-parameters.ts';

export interface DeviceFilter {
  readonly deviceId?: string;
  readonly state?: DeviceState;
  readonly anchor?: string;
  /** Beginning of an identity's value. */
  readonly identityPrefix?: string;
  readonly oui?: string;
  readonly serialNumber?: string;
  readonly tag?: string;
  /** Tag of the group that whoever asks is kept to; besides `tag`. */
  readonly group?: string;
  readonly site?: string;
  /** ProductClass of its serial. */
  readonly model?: string;
  /** As its last Inform said. */
  readonly softwareVersion?: string;
  /** Of the last Inform; a device that never informed is neither before nor after. */
  readonly informedBefore?: Date;
  /** Not before. */
  readonly informedAfter?: Date;
  /** `<full name>=<value>`, as it was last read. */
  readonly parameter?: string;
  /** The newest approved certificate of an identity ends before then: the renewal worklist. */
  readonly expiresBefore?: Date;
}

/** Orders of a list. lastInform: by the hour, and without those that never informed. */
export const deviceSorts = ['registered', 'stateSince', 'lastInform'] as const;

export type DeviceSort = (typeof deviceSorts)[number];

export interface DeviceSummary {
  readonly deviceId: string;
  readonly state: DeviceState;
  readonly stateSince: Date;
  readonly origin: 'operator' | 'quarantine' | 'auto';
  readonly registeredAt: Date;
  readonly oui: string | null;
  readonly productClass: string | null;
  readonly serialNumber: string | null;
  readonly serialProvenance: 'imported' | 'learnt' | null;
  readonly note: string | null;
  readonly tags: readonly string[];
  readonly site: string | null;
  readonly replacedBy: string | null;
  /** When the first of its identities has no valid approved certificate any more; null where none was seen. */
  readonly expiresAt: Date | null;
  readonly lastInformAt: Date | null;
  readonly manufacturer: string | null;
  readonly softwareVersion: string | null;
  /** `<anchor> <value>`. */
  readonly identities: readonly string[];
}

export interface DevicePage {
  readonly devices: readonly DeviceSummary[];
  /** Give it as `after` for the next page; undefined on the last. */
  readonly next: string | undefined;
}

const mostListed = 1000;

export interface ListPage {
  /** `next` of the page before, in the same order. */
  readonly after?: string;
  readonly limit: number;
  readonly order?: queries.DeviceOrder;
}

/** Devices in the order of registration or another one; `after` is the `next` of the page before. */
export async function listDevices(db: Queryable, filter: DeviceFilter, page: ListPage): Promise<DevicePage> {
  const limit = Math.min(Math.max(page.limit, 1), mostListed);
  const { rows } = await db.query<DeviceSummary & { key: Date | null }>(
    queries.listDevices(filter, positionOf(page.after), limit + 1, page.order),
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  const next = last && (last.key === null ? last.deviceId : `${last.deviceId} ${last.key.toISOString()}`);
  return { devices: rows.slice(0, limit).map(({ key: _, ...device }) => device), next };
}

/** What is no position begins at the beginning of time. */
function positionOf(after: string | undefined): queries.DevicePosition | undefined {
  if (after === undefined) return undefined;
  const [id = '', key] = after.split(' ');
  return { id, key: new Date(key ?? 0) };
}

export async function countDevices(db: Queryable, filter: DeviceFilter): Promise<number> {
  const { rows } = await db.query<{ count: number }>(queries.countDevices(filter));
  return rows[0]?.count ?? 0;
}

/** Why devices are not found by this `<name>=<value>`; undefined: they are. Whoever may guess a value would learn it. */
export function parameterFilterFault(text: string): string | undefined {
  const name = /^([^=]{1,256})=/.exec(text)?.[1];
  if (name === undefined) return 'write Device.X.Y=value';
  return isSecret(name) || isPersonal(name) ? 'the parameter is secret or personal' : undefined;
}
