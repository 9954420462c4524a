import type { Queryable } from '../platform/postgres.ts';
import { lockDevice } from './admission-queries.ts';
import { recordChange } from './changes.ts';
import type { DeviceState } from './device.ts';
import type { By, ProblemKind, StateResult } from './register.ts';
import { inTheWay } from './register-moves.ts';
import { announceDevices } from './register-moves-queries.ts';
import { approveKey, deviceKeys, type KeyRow, naturalStateOf, setState } from './register-queries.ts';

function problem(kind: ProblemKind, message: string, deviceId: string): StateResult {
  return { ok: false, problem: { kind, message, deviceId } };
}

export interface LockedDevice {
  readonly state: DeviceState;
  readonly replacedBy: string | null;
}

/** Takes the device's row until the end of the transaction. */
export async function lockedDevice(tx: Queryable, deviceId: string): Promise<LockedDevice | undefined> {
  const { rows } = await tx.query<{ state: DeviceState; replaced_by: string | null }>(lockDevice(deviceId));
  const [row] = rows;
  return row === undefined ? undefined : { state: row.state, replacedBy: row.replaced_by };
}

/** Gives the device the state that its facts lead to. */
export async function settleState(tx: Queryable, deviceId: string, from: DeviceState, at: Date): Promise<DeviceState> {
  if (from === 'blocked' || from === 'retired') return from;
  const { rows } = await tx.query<{ state: DeviceState }>(naturalStateOf(deviceId));
  const to = rows[0]?.state ?? from;
  if (to !== from) await tx.query(setState(deviceId, to, at));
  return to;
}

/** A blocked device stays blocked: its key may be approved before it is unblocked. */
export async function approveDevice(
  tx: Queryable,
  deviceId: string,
  by: By,
  at: Date,
  fingerprint?: string,
): Promise<StateResult> {
  const device = await lockedDevice(tx, deviceId);
  if (device === undefined || device.state === 'retired')
    return { ok: false, problem: inTheWay('approve', deviceId, device?.state) };
  const from = device.state;
  const { rows } = await tx.query<KeyRow>(deviceKeys(deviceId));
  const held = waiting(rows, from, fingerprint?.toLowerCase());
  const keys = new Set(held.map((key) => key.spki));
  const [spki] = keys;
  if (spki === undefined)
    return problem('nothing_to_approve', `device ${deviceId} is ${from} and holds no such key for approval`, deviceId);
  if (keys.size > 1) {
    const choices = held.map((key) => key.fingerprint).join(', ');
    return problem('several_keys', `several keys wait: name the certificate of one (${choices})`, deviceId);
  }
  await tx.query(approveKey(deviceId, spki, at, by.actor.name));
  const to = await settleState(tx, deviceId, from, at);
  await recordChange(tx, {
    deviceId,
    at,
    actor: by.actor,
    action: 'approve',
    before: { state: from },
    after: { state: to, spki },
    ...(by.reason !== undefined && { reason: by.reason }),
  });
  await tx.query(announceDevices([deviceId]));
  return { ok: true, deviceId, state: to, changed: true };
}

/** The keys that a yes may mean: held ones; one turned away before only where it is named, or was the stranger's only one. */
function waiting(keys: readonly KeyRow[], from: DeviceState, fingerprint: string | undefined): readonly KeyRow[] {
  if (fingerprint !== undefined)
    return keys.filter((key) => key.fingerprint === fingerprint && key.state !== 'approved');
  const held = keys.filter((key) => key.state === 'held');
  return held.length === 0 && from === 'quarantined' ? keys.filter((key) => key.state === 'refused') : held;
}
