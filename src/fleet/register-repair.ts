import type { Queryable } from '../platform/postgres.ts';
import { recordChange } from './changes.ts';
import type { DeviceState } from './device.ts';
import type { DeviceIdentity } from './identity.ts';
import type { By, Problem, StateResult } from './register.ts';
import { inTheWay } from './register-moves.ts';
import { announceDevices } from './register-moves-queries.ts';
import { approveKey, deviceKeys, type KeyRow } from './register-queries.ts';
import * as queries from './register-repair-queries.ts';
import { lockedDevice, settleState } from './register-states.ts';
import { kindsOfOneDevice } from './task.ts';
import { moveQueuedTasks } from './task-moving-queries.ts';
import { mayMove } from './transitions.ts';

interface Party {
  readonly deviceId: string;
  readonly state: DeviceState;
  readonly replacedBy: string | null;
  readonly tags: readonly string[];
  readonly site: string | null;
}

function no(problem: Problem): StateResult {
  return { ok: false, problem };
}

export interface Replacing {
  readonly oldId: string;
  readonly newId: string;
  readonly by: By;
  readonly at: Date;
}

/** NEW takes the place of OLD: tags, site, pending idempotent tasks. OLD is blocked for good. */
export async function replaceDevice(tx: Queryable, input: Replacing): Promise<StateResult> {
  const { oldId, newId, by, at } = input;
  const { rows } = await tx.query<Party>(queries.lockBoth(oldId, newId));
  const before = rows.find(({ deviceId }) => deviceId === oldId);
  const successor = rows.find(({ deviceId }) => deviceId === newId);
  const problem = partiesProblem(input, before, successor);
  if (problem !== undefined) return no(problem);
  const taken = await tx.query<{ tags: string[]; site: string | null }>(queries.takeOver(oldId, newId));
  await tx.query(queries.markReplaced(oldId, newId, at));
  const tasks = (await tx.query(moveQueuedTasks(oldId, newId, kindsOfOneDevice))).count;
  const reason = by.reason === undefined ? {} : { reason: by.reason };
  const { tags, site, state } = before ?? { tags: [], site: null, state: 'blocked' as const };
  await recordChange(tx, {
    ...{ deviceId: oldId, at, actor: by.actor, action: 'replace', ...reason },
    before: { state, tags, site },
    after: { state: 'blocked', replacedBy: newId },
  });
  await recordChange(tx, {
    ...{ deviceId: newId, at, actor: by.actor, action: 'take_over', ...reason },
    before: { tags: successor?.tags, site: successor?.site },
    after: { replaces: oldId, ...taken.rows[0], tasks },
  });
  await tx.query(announceDevices([oldId, newId]));
  return { ok: true, deviceId: oldId, state: 'blocked', changed: true };
}

function partiesProblem({ oldId, newId }: Replacing, before?: Party, successor?: Party): Problem | undefined {
  if (oldId === newId) return { kind: 'wrong_state', message: 'a device cannot replace itself', deviceId: oldId };
  if (before === undefined || before.replacedBy !== null || !mayMove('replace', before.state, 'blocked'))
    return inTheWay('replace', oldId, before?.state, before?.replacedBy ?? undefined);
  if (successor === undefined || successor.state === 'retired' || successor.state === 'blocked')
    return inTheWay('to take a place', newId, successor?.state, successor?.replacedBy ?? undefined);
  return undefined;
}

export interface Rebinding {
  readonly deviceId: string;
  /** Hex SHA-256 of the certificate that the repaired device has; seen already or not. */
  readonly fingerprint: string;
  /** Which of several identities it is for, where it was not seen yet. */
  readonly identity?: Pick<DeviceIdentity, 'anchor' | 'kind' | 'value'>;
  readonly by: By;
  readonly at: Date;
}

type Target = Pick<DeviceIdentity, 'anchor' | 'kind' | 'value'>;

/** The same device with a new certificate: that one is let in, every other key of the identity is turned away. */
export async function rebindDevice(tx: Queryable, input: Rebinding): Promise<StateResult> {
  const { deviceId, by, at } = input;
  const fingerprint = input.fingerprint.toLowerCase();
  const device = await lockedDevice(tx, deviceId);
  if (device === undefined || !mayMove('rebind', device.state, 'expected'))
    return no(inTheWay('rebind', deviceId, device?.state, device?.replacedBy ?? undefined));
  const keys = (await tx.query<KeyRow>(deviceKeys(deviceId))).rows;
  const shown = keys.find((key) => key.fingerprint === fingerprint);
  const target = shown ?? (await targetOf(tx, input));
  if ('problem' in target) return no(target.problem);
  if (shown !== undefined) await tx.query(approveKey(deviceId, shown.spki, at, by.actor.name));
  const refused = await tx.query<{ fingerprint: string }>(
    queries.refuseOtherKeys(deviceId, target, { keptSpki: shown?.spki, at, by: by.actor.name }),
  );
  await tx.query(queries.expectCertificate(deviceId, target, fingerprint));
  const state = await settleState(tx, deviceId, device.state, at);
  await recordChange(tx, {
    ...{ deviceId, at, actor: by.actor, action: 'rebind' },
    before: { state: device.state, certificates: keys.filter((key) => key.state === 'approved').map(fingerprintOf) },
    after: {
      state,
      anchor: target.anchor,
      identity: target.value,
      fingerprint,
      refused: refused.rows.map(fingerprintOf),
    },
    ...(by.reason !== undefined && { reason: by.reason }),
  });
  await tx.query(announceDevices([deviceId]));
  return { ok: true, deviceId, state, changed: true };
}

function fingerprintOf({ fingerprint }: { readonly fingerprint: string }): string {
  return fingerprint;
}

/** The identity that a certificate nobody has seen yet will be for: the one named, or the only one there is. */
export async function targetOf(
  tx: Queryable,
  { deviceId, identity }: Rebinding,
): Promise<Target | { problem: Problem }> {
  const { rows } = await tx.query<Target>(queries.identitiesOf(deviceId));
  const fitting = rows.filter(
    (one) => identity === undefined || (one.anchor === identity.anchor && one.value === identity.value),
  );
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const known = rows.map(({ anchor, value }) => `${value} (${anchor})`).join(', ');
  if (only === undefined)
    return {
      problem: { kind: 'identity_missing', message: `device ${deviceId} has ${known || 'no identity'}`, deviceId },
    };
  return {
    problem: {
      kind: 'several_identities',
      message: `name the identity that the certificate is for: ${known}`,
      deviceId,
    },
  };
}

export interface Unlinking {
  readonly deviceId: string;
  readonly identity: Target;
  readonly by: By;
  readonly at: Date;
}

/** Takes an identity away from a device that has another one; its certificates are turned away. */
export async function unlinkDeviceIdentity(tx: Queryable, input: Unlinking): Promise<StateResult> {
  const { deviceId, identity, by, at } = input;
  const device = await lockedDevice(tx, deviceId);
  if (device === undefined || device.state === 'retired')
    return no(inTheWay('removing an identity', deviceId, device?.state));
  const { rows } = await tx.query<Target>(queries.identitiesOf(deviceId));
  const label = `${identity.value} (${identity.anchor})`;
  if (!rows.some(({ anchor, value }) => anchor === identity.anchor && value === identity.value))
    return no({ kind: 'identity_missing', message: `device ${deviceId} has no identity ${label}`, deviceId });
  if (rows.length === 1)
    return no({
      kind: 'last_identity',
      message: `${label} is the only identity of device ${deviceId}: block or retire the device instead`,
      deviceId,
    });
  await tx.query(queries.refuseOtherKeys(deviceId, identity, { keptSpki: undefined, at, by: by.actor.name }));
  await tx.query(queries.unlinkIdentity(deviceId, identity));
  const state = await settleState(tx, deviceId, device.state, at);
  await recordChange(tx, {
    ...{ deviceId, at, actor: by.actor, action: 'unlink_identity' },
    before: { state: device.state, anchor: identity.anchor, identity: identity.value },
    after: { state },
    ...(by.reason !== undefined && { reason: by.reason }),
  });
  await tx.query(announceDevices([deviceId]));
  return { ok: true, deviceId, state, changed: true };
}
