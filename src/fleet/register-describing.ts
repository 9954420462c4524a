import type { Queryable } from '../platform/postgres.ts';
import { recordChange } from './changes.ts';
import { type DeviceFacts, deviceFacts } from './listing-details.ts';
import type { By, Problem } from './register.ts';
import { describeDevice, type Described } from './register-describing-queries.ts';
import { inTheWay } from './register-moves.ts';
import { lockedDevice } from './register-states.ts';

export interface Describing {
  readonly deviceId: string;
  /** What is absent stays as it is. */
  readonly change: Partial<Described> | ((now: Described) => Partial<Described>);
  readonly by: By;
  readonly at: Date;
  /** Whether the device is still as whoever asks has seen it; absent: however it is. */
  readonly asSeen?: (device: DeviceFacts) => boolean;
}

export type DescribeResult =
  | { readonly ok: true; readonly device: DeviceFacts; readonly changed: boolean }
  | { readonly ok: false; readonly problem: Problem | { readonly kind: 'stale'; readonly message: string } };

/** Tags, site and note, as far as they are given. Nobody changes them between the look of `asSeen` and the writing. */
export async function describe(tx: Queryable, input: Describing): Promise<DescribeResult> {
  const { deviceId, change, by, at } = input;
  const locked = await lockedDevice(tx, deviceId);
  const device = locked && (await deviceFacts(tx, deviceId));
  if (device === undefined || device.state === 'retired')
    return { ok: false, problem: inTheWay('describing', deviceId, locked?.state) };
  if (input.asSeen?.(device) === false)
    return { ok: false, problem: { kind: 'stale', message: `device ${deviceId} was changed since` } };
  const before = { tags: device.tags, site: device.site, note: device.note };
  const wanted = { ...before, ...(typeof change === 'function' ? change(before) : change) };
  const after = { ...wanted, tags: [...new Set(wanted.tags)].sort() };
  if (JSON.stringify(after) === JSON.stringify(before)) return { ok: true, device, changed: false };
  const { rows } = await tx.query<Described>(describeDevice(deviceId, after));
  const written = rows[0] ?? after;
  const reason = by.reason === undefined ? {} : { reason: by.reason };
  await recordChange(tx, {
    ...{ deviceId, at, actor: by.actor, action: 'describe', ...reason },
    before: { ...before },
    after: { ...written },
  });
  return { ok: true, device: { ...device, ...written }, changed: true };
}
