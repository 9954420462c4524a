import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import type { Actor } from './changes.ts';
import type { DeviceState } from './device.ts';
import { type DeviceIdentity, parseIdentityName, type SerialNames } from './identity.ts';
import { type DeviceDetails, type DeviceFilter, type DevicePage, listDevices, showDevice } from './listing.ts';
import { addDevice } from './register-adding.ts';
import { findDevices } from './register-queries.ts';
import { approveDevice, blockDevice, unblockDevice } from './register-states.ts';

/** Who asks, and why; both stand in the audit. */
export interface By {
  readonly actor: Actor;
  readonly reason?: string;
}

export interface AddInput {
  readonly identity: DeviceIdentity;
  /** An existing device that the identity is linked to; else a new one is made. */
  readonly deviceId?: string;
  /** From the shipping file: beats what another device said of itself. */
  readonly serial?: SerialNames;
  readonly note?: string;
}

export type ProblemKind =
  | 'identity_taken'
  | 'serial_taken'
  | 'serial_differs'
  | 'device_missing'
  | 'device_retired'
  | 'not_blocked'
  | 'nothing_to_approve'
  | 'several_keys';

/** Why the register did not do what it was asked; nothing was changed. */
export interface Problem {
  readonly kind: ProblemKind;
  /** One line for people. */
  readonly message: string;
  /** The device in the way. */
  readonly deviceId?: string;
}

export type AddResult =
  /** `created` false: the identity was there already, or was linked to the device given. */
  | { readonly ok: true; readonly deviceId: string; readonly created: boolean; readonly changed: boolean }
  | { readonly ok: false; readonly problem: Problem };

export type StateResult =
  | { readonly ok: true; readonly deviceId: string; readonly state: DeviceState; readonly changed: boolean }
  | { readonly ok: false; readonly problem: Problem };

/** The operator's hand on the register. Every change writes its audit row in its own transaction. */
export interface Register {
  add(input: AddInput, by: By): Promise<AddResult>;
  list(filter: DeviceFilter, page: { readonly after?: string; readonly limit: number }): Promise<DevicePage>;
  /** Ids of the devices that a person may mean: id, identity, `OUI-Serial`, or certificate fingerprint. */
  find(text: string): Promise<readonly string[]>;
  show(deviceId: string): Promise<DeviceDetails | undefined>;
  block(deviceId: string, by: By): Promise<StateResult>;
  unblock(deviceId: string, by: By): Promise<StateResult>;
  /** Lets in a quarantined device or a held key; of several held keys the one of the certificate with `fingerprint`. */
  approve(deviceId: string, by: By, fingerprint?: string): Promise<StateResult>;
}

export interface RegisterDeps {
  readonly db: Database;
  readonly clock: Clock;
}

export function createRegister(deps: RegisterDeps): Register {
  const { db, clock } = deps;
  return {
    add: (input, by) => addDevice(deps, input, by),
    list: (filter, page) => listDevices(db, filter, page),
    find: async (text) => {
      const wanted = text.trim();
      const name = parseIdentityName(wanted);
      const query = findDevices({
        deviceId: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(wanted) ? wanted : undefined,
        identity: name?.value,
        serial: name?.names,
        fingerprint: /^[0-9a-f]{64}$/i.test(wanted) ? wanted : undefined,
      });
      const { rows } = await db.query<{ device_id: string }>(query);
      return rows.map((row) => row.device_id);
    },
    show: (deviceId) => showDevice(db, deviceId),
    block: (deviceId, by) => db.transaction((tx) => blockDevice(tx, deviceId, by, clock.now())),
    unblock: (deviceId, by) => db.transaction((tx) => unblockDevice(tx, deviceId, by, clock.now())),
    approve: (deviceId, by, fingerprint) =>
      db.transaction((tx) => approveDevice(tx, deviceId, by, clock.now(), fingerprint)),
  };
}
