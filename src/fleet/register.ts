import type { Clock } from '../platform/clock.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import type { Actor } from './changes.ts';
import { type ConflictPage, listConflicts, type Settling, settle } from './conflicts.ts';
import type { ConflictKey } from './conflicts-queries.ts';
import type { DeviceState } from './device.ts';
import { type DeviceIdentity, parseIdentityName, type SerialNames } from './identity.ts';
import { countDevices, type DeviceFilter, type DevicePage, type ListPage, listDevices } from './listing.ts';
import { type DeviceDetails, type DeviceFacts, deviceFacts, showDevice } from './listing-details.ts';
import { addDevice, correctSerial } from './register-adding.ts';
import { addCertificate, removeCertificate } from './register-certificates.ts';
import { type DescribeResult, type Describing, describe } from './register-describing.ts';
import {
  type BatchReport,
  countForMove,
  countWithin,
  handOver,
  type ManyMove,
  type ManyResult,
  moveMany,
  type RecordsWriter,
} from './register-many.ts';
import { type BulkMove, moveDevice } from './register-moves.ts';
import { findDevices } from './register-queries.ts';
import { rebindDevice, replaceDevice, unlinkDeviceIdentity } from './register-repair.ts';
import { approveDevice } from './register-states.ts';
import { createShipping, type Shipping } from './shipping.ts';

/** Who asks, and why; both stand in the audit. */
export interface By {
  readonly actor: Actor;
  readonly reason?: string;
}

export interface AddInput {
  readonly identity: DeviceIdentity;
  /** An existing device that the identity is linked to; else a new one is made. */
  readonly deviceId?: string;
  /** Make the device `deviceId` where there is none: a shipping file or another register brought its id. */
  readonly create?: boolean;
  /** From the shipping file: beats what another device said of itself. */
  readonly serial?: SerialNames;
  /** A serial that an earlier file gave it was wrong; else another one than that is refused. */
  readonly correct?: boolean;
  readonly note?: string;
}

export type ProblemKind =
  | 'identity_taken'
  | 'serial_taken'
  | 'serial_differs'
  | 'device_missing'
  | 'device_retired'
  | 'device_replaced'
  | 'wrong_state'
  | 'not_blocked'
  | 'nothing_to_approve'
  | 'nothing_to_reject'
  | 'several_keys'
  | 'identity_missing'
  | 'certificate_missing'
  | 'last_identity'
  | 'several_identities'
  | 'no_conflict'
  | 'several_conflicts'
  | 'reason_missing';

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

export interface CertificateInput {
  readonly deviceId: string;
  /** Hex SHA-256. */
  readonly fingerprint: string;
  /** Which of several identities it is for, where it was not seen yet. */
  readonly identity?: DeviceIdentity;
}

/** The operator's hand on the register. Every change writes its audit row in its own transaction. */
export interface Register {
  add(input: AddInput, by: By): Promise<AddResult>;
  list(filter: DeviceFilter, page: ListPage): Promise<DevicePage>;
  count(filter: DeviceFilter): Promise<number>;
  /** Ids of the devices that a person may mean: id, identity, `OUI-Serial`, or certificate fingerprint. */
  find(text: string): Promise<readonly string[]>;
  show(deviceId: string): Promise<DeviceDetails | undefined>;
  /** `show` without decisions and changes. */
  facts(deviceId: string): Promise<DeviceFacts | undefined>;
  /** Tags, site, note; what is not given stays. `stale`: `asSeen` says that it is another one than was looked at. */
  describe(input: Omit<Describing, 'by' | 'at'>, by: By): Promise<DescribeResult>;
  /** The serial it was given at import was wrong. A reason must be given; one that is another's is refused. */
  correctSerial(deviceId: string, serial: SerialNames, by: By): Promise<StateResult>;
  block(deviceId: string, by: By): Promise<StateResult>;
  unblock(deviceId: string, by: By): Promise<StateResult>;
  /** Lets in a quarantined device or a held key; of several held keys the one of the certificate with `fingerprint`. */
  approve(deviceId: string, by: By, fingerprint?: string): Promise<StateResult>;
  /** Turns away a quarantined device, or the held keys of a known one. */
  reject(deviceId: string, by: By): Promise<StateResult>;
  /** For the scrapyard: what the device said and was told is erased; identity, certificates and audit stay. */
  retire(deviceId: string, by: By): Promise<StateResult>;
  /** Tags, site and pending idempotent tasks go to `newId`; `oldId` is blocked for good. */
  replace(oldId: string, newId: string, by: By): Promise<StateResult>;
  /** The same device with a new certificate after repair. A reason must be given. */
  rebind(input: CertificateInput, by: By): Promise<StateResult>;
  /** A further certificate; those that there are stay. */
  addCertificate(input: CertificateInput, by: By): Promise<StateResult>;
  /** Turns away the key of a certificate. */
  removeCertificate(deviceId: string, fingerprint: string, by: By): Promise<StateResult>;
  removeIdentity(deviceId: string, identity: DeviceIdentity, by: By): Promise<StateResult>;
  conflicts(page: { readonly after?: ConflictKey; readonly limit: number }): Promise<ConflictPage>;
  settleConflict(input: Omit<Settling, 'by' | 'at'>, by: By): Promise<StateResult>;
  /** How many devices of the filter the move concerns: the dry run of `moveMany`. */
  countForMove(move: ManyMove | 'handover', filter: DeviceFilter): Promise<number>;
  countInStates(filter: DeviceFilter, states: readonly DeviceState[]): Promise<number>;
  /** One move for every device of a filter, in batches; each batch is one transaction. */
  moveMany(move: ManyMove, filter: DeviceFilter, by: By, onBatch?: (batch: BatchReport) => void): Promise<ManyResult>;
  /** Hands the devices' records to `write`, batch by batch, and retires each batch once it is written. */
  handOver(filter: DeviceFilter, by: By, write: RecordsWriter): Promise<ManyResult>;
  readonly shipping: Shipping;
}

export interface RegisterDeps {
  readonly db: Database;
  readonly clock: Clock;
}

export function createRegister(deps: RegisterDeps): Register {
  const { db, clock } = deps;
  const inTransaction = (fn: (tx: Queryable, at: Date) => Promise<StateResult>): Promise<StateResult> =>
    db.transaction((tx) => fn(tx, clock.now()));
  const move = (name: BulkMove) => (deviceId: string, by: By) =>
    inTransaction((tx, at) => moveDevice(tx, name, deviceId, by, at));
  return {
    add: (input, by) => addDevice(deps, input, by),
    list: (filter, page) => listDevices(db, filter, page),
    count: (filter) => countDevices(db, filter),
    find: (text) => findByText(db, text),
    show: (deviceId) => showDevice(db, deviceId),
    facts: (deviceId) => deviceFacts(db, deviceId),
    describe: (input, by) => db.transaction((tx) => describe(tx, { ...input, by, at: clock.now() })),
    correctSerial: (deviceId, serial, by) => correctSerial(deps, { deviceId, serial, by }),
    block: move('block'),
    unblock: move('unblock'),
    reject: move('reject'),
    retire: move('retire'),
    approve: (deviceId, by, fingerprint) => inTransaction((tx, at) => approveDevice(tx, deviceId, by, at, fingerprint)),
    replace: (oldId, newId, by) => inTransaction((tx, at) => replaceDevice(tx, { oldId, newId, by, at })),
    rebind: async (input, by) =>
      by.reason === undefined || by.reason.trim() === ''
        ? { ok: false, problem: { kind: 'reason_missing', message: 'a rebind needs a reason: what was repaired' } }
        : inTransaction((tx, at) => rebindDevice(tx, { ...input, by, at })),
    addCertificate: (input, by) => inTransaction((tx, at) => addCertificate(tx, { ...input, by, at })),
    removeCertificate: (deviceId, fingerprint, by) =>
      inTransaction((tx, at) => removeCertificate(tx, { deviceId, fingerprint, by, at })),
    removeIdentity: (deviceId, identity, by) =>
      inTransaction((tx, at) => unlinkDeviceIdentity(tx, { deviceId, identity, by, at })),
    conflicts: (page) => listConflicts(db, page),
    settleConflict: (input, by) => inTransaction((tx, at) => settle(tx, { ...input, by, at })),
    countForMove: (name, filter) => countForMove(db, name, filter),
    countInStates: (filter, states) => countWithin(db, filter, states),
    moveMany: (name, filter, by, onBatch) => moveMany(deps, { move: name, filter, by, onBatch }),
    handOver: (filter, by, write) => handOver(deps, { filter, by, write }),
    shipping: createShipping(deps),
  };
}

async function findByText(db: Queryable, text: string): Promise<readonly string[]> {
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
}
