import type { Inform } from '../cwmp/cpe-methods.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database } from '../platform/postgres.ts';
import type { DeviceIdentity } from './identity.ts';
import { normalAddress } from './addresses.ts';
import type { Place } from './places.ts';
import type { Suspect } from './suspicions.ts';
import { type InformRow, recordInformQuery } from './inform-queries.ts';

/** What an admission says of its connection; the trust room's Admission is one. */
export interface AdmittedConnection {
  readonly id: string;
  /** When the gate decided. */
  readonly at: Date;
  readonly deviceId: string;
  readonly identity: DeviceIdentity;
  /** Hex SHA-256 of the leaf certificate. */
  readonly fingerprint: string;
  /** What revocation said, as it is stored. */
  readonly evidence?: object;
  readonly handshake: {
    readonly connectionId: string;
    readonly listener: string;
    readonly role: string;
    readonly remoteAddress: string;
    readonly remotePort: number;
    readonly tlsVersion: string;
    readonly cipherSuite: string;
    readonly resumed: boolean;
    readonly serverName?: string;
  };
}

export interface InformReport {
  readonly connection: AdmittedConnection;
  readonly inform: Inform;
  /** e.g. `1.2`. */
  readonly cwmpVersion: string;
}

export type InformRefusalReason =
  | 'identity_conflict'
  | 'identity_mismatch'
  | 'device_blocked'
  | 'device_quarantined'
  | 'device_retired';

export type InformOutcome =
  | {
      readonly kind: 'stored';
      readonly informId: string;
      /** OUI and serial were bound to the device by this Inform. */
      readonly learnt: boolean;
      /** Tasks wait for this device. */
      readonly hasTasks: boolean;
      /** The outcome of some is not known. */
      readonly unsettled: boolean;
      /** Somebody wants to see what is said. */
      readonly traced: boolean;
      /** What was kept with earlier Informs. */
      readonly parametersDigest: string | null;
      readonly notificationPolicy: string | null;
    }
  | { readonly kind: 'refused'; readonly reason: InformRefusalReason; readonly detail: InformRefusalDetail };

export const informRefusalDetails = [
  /** Another device holds this OUI and serial. */
  'serial_of_another_device',
  /** The device said another OUI or serial before, or was imported with one. */
  'serial_changed',
  /** The certificate's common name says another OUI, ProductClass or serial. */
  'serial_not_of_certificate',
  /** No OUI or no serial. */
  'serial_missing',
  'state_changed',
] as const;

export type InformRefusalDetail = (typeof informRefusalDetails)[number];

export interface InformRecorder {
  /**
   * Durable when it resolves; InformResponse may leave then. One round trip (a second one only when two first contacts
   * meet). Rejects when the database does, and nothing is stored.
   */
  recordInform(report: InformReport): Promise<InformOutcome>;
  /** The admission of this connection has its audit row already. */
  hasAdmissionRow(connection: AdmittedConnection): boolean;
}

export interface InformDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly events?: EventBus;
  readonly suspect?: Suspect;
  /** Told of a device that speaks from another address than a short while ago. */
  readonly moved?: (place: Place) => void;
}

export function createInformRecorder(deps: InformDeps): InformRecorder {
  // By identity of the object: an entry goes with its connection.
  const written = new WeakSet<AdmittedConnection>();

  async function store(report: InformReport): Promise<InformOutcome> {
    const { connection } = report;
    const at = deps.clock.now();
    const informId = uuidv7(deps.clock);
    // Claimed before the answer, so that two Informs at once on one connection write one row; given back on failure.
    const withAdmission = !written.has(connection);
    if (withAdmission) written.add(connection);
    try {
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const { rows } = await deps.db.query<InformRow>(recordInformQuery(report, informId, at, withAdmission));
        const row = rows[0];
        if (row?.outcome === 'stored') return stored(deps, report, informId, at, row);
        if (row !== undefined && row.outcome !== 'again') return suspected(deps, report, refused(row.outcome));
      }
      throw new Error(`no verdict on the Inform of device ${connection.deviceId}`);
    } catch (error) {
      if (withAdmission) written.delete(connection);
      throw error;
    }
  }

  return {
    recordInform: async (report) => {
      const detail = claimFault(report);
      if (detail !== undefined)
        return suspected(deps, report, { kind: 'refused', reason: 'identity_mismatch', detail });
      return store(report);
    },
    hasAdmissionRow: (connection) => written.has(connection),
  };
}

/** Another OUI or serial than its own, or another's, is a refusal and a suspicion too. */
function suspected(deps: InformDeps, { connection, inform }: InformReport, outcome: InformOutcome): InformOutcome {
  if (outcome.kind === 'stored' || outcome.detail === 'state_changed' || outcome.detail === 'serial_missing')
    return outcome;
  const { oui, productClass, serialNumber, manufacturer } = inform.deviceId;
  deps.suspect?.({
    deviceId: connection.deviceId,
    kind: 'two_claims',
    evidence: {
      ...{ reason: outcome.reason, detail: outcome.detail, oui, productClass, serialNumber, manufacturer },
      address: connection.handshake.remoteAddress,
      fingerprint: connection.fingerprint,
    },
  });
  return outcome;
}

/** CERT-26: the certificate wins over what the Inform says; what it names itself needs no look-up. */
function claimFault({ connection, inform }: InformReport): InformRefusalDetail | undefined {
  const { oui, serialNumber, productClass } = inform.deviceId;
  if (oui === '' || serialNumber === '') return 'serial_missing';
  const { names } = connection.identity;
  if (names === undefined) return undefined;
  const agrees =
    names.oui === oui.toUpperCase() &&
    names.serialNumber === serialNumber &&
    (names.productClass === undefined || names.productClass === productClass);
  return agrees ? undefined : 'serial_not_of_certificate';
}

function stored(deps: InformDeps, report: InformReport, informId: string, at: Date, row: InformRow): InformOutcome {
  const { connection, inform } = report;
  deps.events?.publish({
    kind: 'inform',
    at,
    deviceId: connection.deviceId,
    connectionId: connection.handshake.connectionId,
    events: inform.events.map(({ eventCode }) => eventCode),
    deviceIdStruct: inform.deviceId,
  });
  if (row.moved) deps.moved?.(placeOf(connection, at));
  const { learnt, tasks, traced, parametersDigest, notificationPolicy } = row;
  const waiting = { hasTasks: tasks !== null, unsettled: tasks === 'unsettled' };
  return { kind: 'stored', informId, learnt, ...waiting, traced, parametersDigest, notificationPolicy };
}

function placeOf({ deviceId, fingerprint, handshake }: AdmittedConnection, at: Date): Place {
  const { remoteAddress, listener, connectionId } = handshake;
  const address = normalAddress(remoteAddress) ?? remoteAddress;
  return { deviceId, address, listener, fingerprint, connectionId, at: at.getTime() };
}

function refused(reason: InformRefusalReason): InformOutcome {
  switch (reason) {
    case 'identity_conflict':
      return { kind: 'refused', reason, detail: 'serial_of_another_device' };
    case 'identity_mismatch':
      return { kind: 'refused', reason, detail: 'serial_changed' };
    case 'device_blocked':
    case 'device_quarantined':
    case 'device_retired':
      return { kind: 'refused', reason, detail: 'state_changed' };
  }
}
