import type { Queryable } from '../platform/postgres.ts';
import { lockDevice } from './admission-queries.ts';
import { type ChangeAction, recordChange } from './changes.ts';
import type { DeviceState } from './device.ts';
import type { By, ProblemKind, StateResult } from './register.ts';
import { approveKey, deviceKeys, type KeyRow, naturalState, setState } from './register-queries.ts';

function problem(kind: ProblemKind, message: string, deviceId: string): StateResult {
  return { ok: false, problem: { kind, message, deviceId } };
}

async function lockedState(tx: Queryable, deviceId: string): Promise<DeviceState | undefined> {
  const { rows } = await tx.query<{ state: DeviceState }>(lockDevice(deviceId));
  return rows[0]?.state;
}

function missing(deviceId: string): StateResult {
  return problem('device_missing', `there is no device ${deviceId}`, deviceId);
}

function retired(deviceId: string): StateResult {
  return problem('device_retired', `device ${deviceId} is retired, for good`, deviceId);
}

interface Move {
  readonly deviceId: string;
  readonly action: ChangeAction;
  readonly from: DeviceState;
  readonly to: DeviceState;
  readonly after?: Readonly<Record<string, unknown>>;
}

async function move(
  tx: Queryable,
  { deviceId, action, from, to, after }: Move,
  by: By,
  at: Date,
): Promise<StateResult> {
  if (from !== to) await tx.query(setState(deviceId, to, at));
  await recordChange(tx, {
    deviceId,
    at,
    actor: by.actor,
    action,
    before: { state: from },
    after: { state: to, ...after },
    ...(by.reason !== undefined && { reason: by.reason }),
  });
  return { ok: true, deviceId, state: to, changed: true };
}

export async function blockDevice(tx: Queryable, deviceId: string, by: By, at: Date): Promise<StateResult> {
  const from = await lockedState(tx, deviceId);
  if (from === undefined) return missing(deviceId);
  if (from === 'retired') return retired(deviceId);
  if (from === 'blocked') return { ok: true, deviceId, state: from, changed: false };
  return move(tx, { deviceId, action: 'block', from, to: 'blocked' }, by, at);
}

export async function unblockDevice(tx: Queryable, deviceId: string, by: By, at: Date): Promise<StateResult> {
  const from = await lockedState(tx, deviceId);
  if (from === undefined) return missing(deviceId);
  if (from === 'retired') return retired(deviceId);
  if (from !== 'blocked') return problem('not_blocked', `device ${deviceId} is ${from}, not blocked`, deviceId);
  const to = await stateByNature(tx, deviceId);
  return move(tx, { deviceId, action: 'unblock', from, to }, by, at);
}

async function stateByNature(tx: Queryable, deviceId: string): Promise<DeviceState> {
  const { rows } = await tx.query<{ state: DeviceState }>(naturalState(deviceId));
  return rows[0]?.state ?? 'expected';
}

/** A blocked device stays blocked: its key may be approved before it is unblocked. */
export async function approveDevice(
  tx: Queryable,
  deviceId: string,
  by: By,
  at: Date,
  fingerprint?: string,
): Promise<StateResult> {
  const from = await lockedState(tx, deviceId);
  if (from === undefined) return missing(deviceId);
  if (from === 'retired') return retired(deviceId);
  const { rows } = await tx.query<KeyRow>(deviceKeys(deviceId));
  const held = rows.filter((key) => key.state === 'held');
  const wanted = fingerprint?.toLowerCase();
  const keys = new Set(held.filter((key) => wanted === undefined || key.fingerprint === wanted).map((key) => key.spki));
  const [spki] = keys;
  if (spki === undefined && (from !== 'quarantined' || wanted !== undefined))
    return problem('nothing_to_approve', `device ${deviceId} is ${from} and holds no such key for approval`, deviceId);
  if (keys.size > 1) {
    const choices = held.map((key) => key.fingerprint).join(', ');
    return problem('several_keys', `several keys wait: name the certificate of one (${choices})`, deviceId);
  }
  if (spki !== undefined) await tx.query(approveKey(deviceId, spki, at, by.actor.name));
  const to = from === 'blocked' ? from : await stateByNature(tx, deviceId);
  return move(tx, { deviceId, action: 'approve', from, to, after: { spki } }, by, at);
}
