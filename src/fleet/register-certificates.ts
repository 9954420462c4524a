import type { Queryable } from '../platform/postgres.ts';
import { type ChangeAction, recordChange } from './changes.ts';
import type { By, StateResult } from './register.ts';
import { inTheWay } from './register-moves.ts';
import { announceDevices } from './register-moves-queries.ts';
import { approveKey, deviceKeys, type KeyRow } from './register-queries.ts';
import { type Rebinding, targetOf } from './register-repair.ts';
import * as queries from './register-repair-queries.ts';
import { lockedDevice, settleState } from './register-states.ts';

/**
 * A further certificate for an identity: let in at once where it was shown already, else the first one shown from then
 * on has to be this one. The other keys of the identity stay as they are; `rebindDevice` turns them away.
 */
export async function addCertificate(tx: Queryable, input: Rebinding): Promise<StateResult> {
  const { deviceId, by, at } = input;
  const fingerprint = input.fingerprint.toLowerCase();
  const device = await lockedDevice(tx, deviceId);
  if (device === undefined || device.state === 'retired' || device.replacedBy !== null)
    return refused(deviceId, 'adding a certificate', device);
  const keys = (await tx.query<KeyRow>(deviceKeys(deviceId))).rows;
  const shown = keys.find((key) => key.fingerprint === fingerprint);
  if (shown?.state === 'approved') return { ok: true, deviceId, state: device.state, changed: false };
  const target = shown ?? (await targetOf(tx, input));
  if ('problem' in target) return { ok: false, problem: target.problem };
  await tx.query(
    shown === undefined
      ? queries.expectCertificate(deviceId, target, fingerprint)
      : approveKey(deviceId, shown.spki, at, by.actor.name),
  );
  const state = await settleState(tx, deviceId, device.state, at);
  const action = shown === undefined ? 'expect_certificate' : 'approve';
  await note(tx, { deviceId, at, by, action, from: device.state, to: state, fingerprint });
  return { ok: true, deviceId, state, changed: true };
}

export interface Refusing {
  readonly deviceId: string;
  /** Hex SHA-256. */
  readonly fingerprint: string;
  readonly by: By;
  readonly at: Date;
}

/** Turns away the key of a certificate, and forgets that the certificate was expected. */
export async function removeCertificate(tx: Queryable, input: Refusing): Promise<StateResult> {
  const { deviceId, by, at } = input;
  const fingerprint = input.fingerprint.toLowerCase();
  const device = await lockedDevice(tx, deviceId);
  if (device === undefined || device.state === 'retired') return refused(deviceId, 'removing a certificate', device);
  const shown = (await tx.query<KeyRow>(deviceKeys(deviceId))).rows.find((key) => key.fingerprint === fingerprint);
  const expected = await tx.query(queries.forgetExpected(deviceId, fingerprint));
  if (shown === undefined && expected.count === 0)
    return {
      ok: false,
      problem: {
        kind: 'certificate_missing',
        message: `device ${deviceId} has no certificate ${fingerprint}`,
        deviceId,
      },
    };
  if (shown !== undefined) await tx.query(queries.refuseKey(deviceId, shown.spki, at, by.actor.name));
  const state = await settleState(tx, deviceId, device.state, at);
  await note(tx, { deviceId, at, by, action: 'refuse_certificate', from: device.state, to: state, fingerprint });
  return { ok: true, deviceId, state, changed: true };
}

function refused(deviceId: string, what: string, device: Awaited<ReturnType<typeof lockedDevice>>): StateResult {
  return { ok: false, problem: inTheWay(what, deviceId, device?.state, device?.replacedBy ?? undefined) };
}

interface Noted extends Refusing {
  readonly action: ChangeAction;
  readonly from: string;
  readonly to: string;
}

async function note(tx: Queryable, { deviceId, at, by, action, from, to, fingerprint }: Noted): Promise<void> {
  const reason = by.reason === undefined ? {} : { reason: by.reason };
  await recordChange(tx, {
    ...{ deviceId, at, actor: by.actor, action, ...reason },
    before: { state: from },
    after: { state: to, fingerprint },
  });
  await tx.query(announceDevices([deviceId]));
}
