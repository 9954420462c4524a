import type { Queryable } from '../platform/postgres.ts';
import type { DeviceState } from './device.ts';
import type { By, Problem, StateResult } from './register.ts';
import * as queries from './register-moves-queries.ts';

export type { BulkMove } from './register-moves-queries.ts';

export interface Moved {
  readonly deviceId: string;
  readonly before: DeviceState;
  readonly after: DeviceState;
}

/** Makes the move for those of the devices that allow it, each with its audit row; the others are left as they are. */
export async function moveDevices(
  tx: Queryable,
  move: queries.BulkMove,
  deviceIds: readonly string[],
  by: By,
  at: Date,
): Promise<readonly Moved[]> {
  const locked = await tx.query<{ deviceId: string }>(queries.lockForMove(move, deviceIds));
  const ids = locked.rows.map(({ deviceId }) => deviceId);
  if (ids.length === 0) return [];
  if (move === 'reject') await tx.query(queries.refuseHeldKeys(ids, at, by.actor.name));
  if (move === 'retire' || move === 'handover') for (const query of queries.erase(ids)) await tx.query(query);
  const moved = await tx.query<Moved>(queries.moveLocked(move, ids, by, at));
  if (move === 'reject') await tx.query(queries.announceDevices(ids));
  return moved.rows;
}

/** What a second call finds already done. */
const alreadyDone: Readonly<Partial<Record<queries.BulkMove, DeviceState>>> = { block: 'blocked' };

export async function moveDevice(
  tx: Queryable,
  move: queries.BulkMove,
  deviceId: string,
  by: By,
  at: Date,
): Promise<StateResult> {
  const [moved] = await moveDevices(tx, move, [deviceId], by, at);
  if (moved !== undefined) return { ok: true, deviceId, state: moved.after, changed: true };
  const { rows } = await tx.query<{ state: DeviceState; replacedBy: string | null }>(queries.stateOf(deviceId));
  const state = rows[0]?.state;
  if (state !== undefined && alreadyDone[move] === state) return { ok: true, deviceId, state, changed: false };
  return { ok: false, problem: inTheWay(move, deviceId, state, rows[0]?.replacedBy ?? undefined) };
}

/** Why a device in this state cannot be moved so. */
export function inTheWay(move: string, deviceId: string, state: DeviceState | undefined, replacedBy?: string): Problem {
  if (state === undefined) return { kind: 'device_missing', message: `there is no device ${deviceId}`, deviceId };
  if (state === 'retired')
    return { kind: 'device_retired', message: `device ${deviceId} is retired, for good`, deviceId };
  if (replacedBy !== undefined)
    return { kind: 'device_replaced', message: `device ${deviceId} was replaced by ${replacedBy}, for good`, deviceId };
  if (move === 'unblock')
    return { kind: 'not_blocked', message: `device ${deviceId} is ${state}, not blocked`, deviceId };
  if (move === 'reject')
    return {
      kind: 'nothing_to_reject',
      message: `device ${deviceId} is ${state}: nothing waits for a decision`,
      deviceId,
    };
  return { kind: 'wrong_state', message: `device ${deviceId} is ${state}: ${move} is not possible`, deviceId };
}
