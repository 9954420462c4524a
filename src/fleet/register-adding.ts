import { uuidv7 } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { claimIdentity, insertDevice, linkIdentity, lockDevice } from './admission-queries.ts';
import { recordChange } from './changes.ts';
import { recordLostSerial } from './conflicts-queries.ts';
import type { DeviceState } from './device.ts';
import type { SerialNames } from './identity.ts';
import type { AddInput, AddResult, By, Problem, RegisterDeps, StateResult } from './register.ts';
import * as queries from './register-queries.ts';
import { lockedDevice } from './register-states.ts';
import { strangersText } from './strangers-text.ts';

/** Undoes the transaction without being a fault. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/**
 * Makes a device for an identity, or links the identity to a device there is; idempotent. Identities are linked here,
 * by people, and nowhere else.
 */
export async function addDevice({ db, clock }: RegisterDeps, input: AddInput, by: By): Promise<AddResult> {
  const fresh = uuidv7(clock);
  return unlessRefused(() => db.transaction((tx) => add(tx, { input, by, fresh, at: clock.now() })));
}

export interface Correction {
  readonly deviceId: string;
  readonly serial: SerialNames;
  readonly by: By;
}

/** A person takes back what a shipping file said. */
export async function correctSerial({ db, clock }: RegisterDeps, correction: Correction): Promise<StateResult> {
  const { deviceId, serial, by } = correction;
  if (by.reason === undefined || by.reason.trim() === '')
    return { ok: false, problem: { kind: 'reason_missing', message: 'a correction needs a reason: what was wrong' } };
  return unlessRefused(() =>
    db.transaction(async (tx): Promise<StateResult> => {
      const device = await lockedDevice(tx, deviceId);
      await checkDevice(tx, deviceId);
      const changed = await bindSerial(tx, { by, at: clock.now(), correct: true }, deviceId, serial);
      return { ok: true, deviceId, state: device?.state ?? 'expected', changed };
    }),
  );
}

async function unlessRefused<T>(run: () => Promise<T>): Promise<T | { readonly ok: false; readonly problem: Problem }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (error instanceof Refused) return { ok: false, problem: error.problem };
      if (attempt >= 3 || !isCrossing(error)) throw error;
    }
  }
}

/** Somebody else bound the same serial in the same moment (unique_violation, deadlock_detected): look again. */
function isCrossing(error: unknown): boolean {
  return ['23505', '40P01'].includes(String((error as { code?: unknown }).code ?? ''));
}

export interface Adding {
  readonly input: AddInput;
  readonly by: By;
  readonly fresh: string;
  readonly at: Date;
}

/** Inside a transaction of the caller; throws Refused when the register says no. */
export async function add(tx: Queryable, adding: Adding): Promise<AddResult> {
  const { input, fresh } = adding;
  const wanted = input.deviceId ?? fresh;
  const known = input.deviceId !== undefined && (await checkDevice(tx, input.deviceId, input.create === true));
  const owner = await claim(tx, adding, wanted);
  if (owner !== undefined && owner !== input.deviceId) await checkDevice(tx, owner);
  const created = owner === undefined && !known;
  if (owner === undefined) await link(tx, adding, wanted, created);
  const deviceId = owner ?? wanted;
  const bound =
    input.serial !== undefined && (await bindSerial(tx, { ...adding, correct: input.correct }, deviceId, input.serial));
  return { ok: true, deviceId, created, changed: owner === undefined || bound };
}

/** False where it is missing and may be made. */
async function checkDevice(tx: Queryable, deviceId: string, mayBeMissing = false): Promise<boolean> {
  const { rows } = await tx.query<{ state: DeviceState }>(lockDevice(deviceId));
  const state = rows[0]?.state;
  if (state === undefined && mayBeMissing) return false;
  if (state === undefined) throw new Refused({ kind: 'device_missing', message: `there is no device ${deviceId}` });
  if (state === 'retired')
    throw new Refused({ kind: 'device_retired', message: `device ${deviceId} is retired, for good`, deviceId });
  return true;
}

/** Undefined: the identity was free and is claimed now; else the device that has it already. */
async function claim(tx: Queryable, { input }: Adding, deviceId: string): Promise<string | undefined> {
  const claimed = await tx.query(claimIdentity(input.identity, deviceId));
  if (claimed.count > 0) return undefined;
  const { rows } = await tx.query<{ device_id: string }>(queries.identityOwner(input.identity));
  const owner = rows[0]?.device_id;
  if (owner !== undefined && (input.deviceId === undefined || owner === input.deviceId)) return owner;
  const message = `${input.identity.value} (${input.identity.anchor}) belongs to device ${owner ?? 'unknown'}`;
  throw new Refused({ kind: 'identity_taken', message, ...(owner !== undefined && { deviceId: owner }) });
}

async function link(tx: Queryable, { input, by, at }: Adding, deviceId: string, created: boolean): Promise<void> {
  const { identity, note } = input;
  if (created)
    await tx.query(
      insertDevice({
        id: deviceId,
        state: 'expected',
        origin: 'operator',
        anchor: identity.anchor,
        at,
        ...(note !== undefined && { note }),
      }),
    );
  await tx.query(linkIdentity(deviceId, identity, at, by.actor.name));
  await recordChange(tx, {
    deviceId,
    at,
    actor: by.actor,
    action: created ? 'add' : 'link_identity',
    after: { anchor: identity.anchor, identity: identity.value, ...(created && { state: 'expected' }) },
    ...(by.reason !== undefined && { reason: by.reason }),
  });
}

interface Holder {
  device_id: string;
  product_class: string;
  provenance: 'imported' | 'learnt';
}

/** (OUI, ProductClass, SerialNumber) belongs to one device; what is imported beats what was learnt. */
type Binding = Pick<Adding, 'by' | 'at'> & { readonly correct?: boolean | undefined };

async function bindSerial(tx: Queryable, adding: Binding, deviceId: string, serial: SerialNames): Promise<boolean> {
  const names = {
    oui: strangersText(serial.oui.toUpperCase(), 256),
    productClass: strangersText(serial.productClass ?? '', 256),
    serialNumber: strangersText(serial.serialNumber, 256),
  };
  const holders = (await tx.query<Holder>(queries.serialHolders(names))).rows;
  const taken = holders.find(
    (holder) =>
      holder.device_id !== deviceId && holder.provenance === 'imported' && holder.product_class === names.productClass,
  );
  if (taken !== undefined) {
    const message = `${names.oui} ${names.productClass} ${names.serialNumber} belongs to device ${taken.device_id}`;
    throw new Refused({ kind: 'serial_taken', message, deviceId: taken.device_id });
  }
  const own = await clearOwn(tx, deviceId, names, adding.correct === true);
  if (own === 'same') return false;
  for (const holder of holders)
    if (holder.device_id !== deviceId && holder.provenance === 'learnt') {
      await takeAway(tx, adding, holder, deviceId);
      await tx.query(
        recordLostSerial(holder.device_id, deviceId, { ...names, productClass: holder.product_class }, adding.at),
      );
    }
  await tx.query(queries.importSerial(deviceId, names, adding.at));
  await recordChange(tx, {
    deviceId,
    at: adding.at,
    actor: adding.by.actor,
    action: own === undefined ? 'import_serial' : 'correct_serial',
    ...(own !== undefined && { before: own }),
    after: names,
    ...(adding.by.reason !== undefined && { reason: adding.by.reason }),
  });
  return true;
}

/** What it learnt gives way; another import only to a correction, which it is returned for. */
async function clearOwn(
  tx: Queryable,
  deviceId: string,
  names: Required<SerialNames>,
  correct: boolean,
): Promise<'same' | Required<SerialNames> | undefined> {
  type Own = { oui: string; product_class: string; serial_number: string; provenance: string };
  const own = (await tx.query<Own>(queries.serialOf(deviceId))).rows[0];
  if (own === undefined) return undefined;
  if (own.provenance === 'imported') {
    const same =
      own.oui === names.oui && own.serial_number === names.serialNumber && own.product_class === names.productClass;
    if (same) return 'same';
    const message = `device ${deviceId} was imported as ${own.oui} ${own.product_class} ${own.serial_number}, which is for a person to correct`;
    if (!correct) throw new Refused({ kind: 'serial_differs', message, deviceId });
  }
  await tx.query(queries.dropSerial(deviceId));
  if (own.provenance !== 'imported') return undefined;
  return { oui: own.oui, productClass: own.product_class, serialNumber: own.serial_number };
}

async function takeAway(tx: Queryable, { by, at }: Binding, holder: Holder, deviceId: string): Promise<void> {
  await tx.query(queries.dropSerial(holder.device_id));
  await recordChange(tx, {
    deviceId: holder.device_id,
    at,
    actor: by.actor,
    action: 'lose_serial',
    after: { importedFor: deviceId },
    ...(by.reason !== undefined && { reason: by.reason }),
  });
}
