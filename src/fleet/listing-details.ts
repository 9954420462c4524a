import type { Queryable } from '../platform/postgres.ts';
import type { ConnectionRequest } from './connection-request.ts';
import { listRequests } from './connection-request-queries.ts';
import type { CertificateState } from './device.ts';
import type { DeviceSummary } from './listing.ts';
import * as queries from './listing-details-queries.ts';

export interface IdentityRecord {
  readonly anchor: string;
  readonly kind: string;
  readonly value: string;
  readonly linkedAt: Date;
  readonly linkedBy: string;
}

export interface CertificateRecord {
  readonly fingerprint: string;
  readonly keyFingerprint: string;
  readonly anchor: string;
  readonly identity: string;
  readonly state: CertificateState;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly decidedAt: Date | null;
  readonly decidedBy: string | null;
}

export interface ContactRecord {
  readonly at: Date;
  readonly events: readonly string[];
  readonly listener: string;
  readonly remoteAddress: string | null;
  readonly cwmpVersion: string;
  readonly manufacturer: string;
  readonly oui: string;
  readonly productClass: string;
  readonly softwareVersion: string | null;
  readonly hardwareVersion: string | null;
}

export interface DecisionRecord {
  readonly id: string;
  readonly at: Date;
  readonly outcome: 'admitted' | 'refused';
  readonly stage: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly listener: string;
  readonly remoteAddress: string | null;
  readonly remotePort: number;
  readonly tlsVersion: string | null;
  readonly cipherSuite: string | null;
  readonly resumed: boolean | null;
  readonly anchor: string | null;
  readonly identity: string | null;
  readonly fingerprint: string | null;
}

export interface ChangeRecord {
  readonly id: string;
  readonly at: Date;
  readonly actorKind: string;
  readonly actor: string;
  readonly action: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
}

/** A device with what people look at first. */
export interface DeviceFacts extends DeviceSummary {
  readonly identityRecords: readonly IdentityRecord[];
  /** Newest first, at most 20. */
  readonly certificates: readonly CertificateRecord[];
  readonly lastInform: ContactRecord | undefined;
}

export interface DeviceDetails extends DeviceFacts {
  /** Newest first, at most 20 each. */
  readonly decisions: readonly DecisionRecord[];
  readonly changes: readonly ChangeRecord[];
  /** Newest first, at most 5. */
  readonly connectionRequests: readonly ConnectionRequest[];
}

const mostRequests = 5;
const mostShown = 20;

/** As JSON has it: times are texts. */
type Told<T> = {
  readonly [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K];
};

type FactsRow = DeviceSummary & {
  readonly lastEvents: readonly string[] | null;
  readonly listener: string;
  readonly remoteAddress: string | null;
  readonly cwmpVersion: string;
  readonly saidOui: string;
  readonly saidProductClass: string;
  readonly hardwareVersion: string | null;
  readonly identityRecords: readonly Told<IdentityRecord>[] | null;
  readonly certificates: readonly Told<CertificateRecord>[] | null;
};

/** One statement. */
export async function deviceFacts(db: Queryable, deviceId: string): Promise<DeviceFacts | undefined> {
  const { rows } = await db.query<FactsRow>(queries.oneDevice(deviceId, mostShown));
  return rows[0] && factsOf(rows[0]);
}

function factsOf(row: FactsRow): DeviceFacts {
  const { lastEvents, listener, remoteAddress, cwmpVersion, saidOui, saidProductClass, hardwareVersion, ...rest } = row;
  const { identityRecords, certificates, ...device } = rest;
  const { lastInformAt: at, manufacturer, softwareVersion } = device;
  const said = { manufacturer: manufacturer ?? '', oui: saidOui, productClass: saidProductClass };
  const contact = { events: lastEvents ?? [], listener, remoteAddress, cwmpVersion, ...said };
  return {
    ...device,
    identityRecords: (identityRecords ?? []).map((one) => ({ ...one, linkedAt: new Date(one.linkedAt) })),
    certificates: (certificates ?? []).map(certificateOf),
    lastInform: at === null ? undefined : { at, ...contact, softwareVersion, hardwareVersion },
  };
}

function certificateOf(told: Told<CertificateRecord>): CertificateRecord {
  const { notBefore, notAfter, firstSeen, lastSeen, decidedAt, ...rest } = told;
  return {
    ...rest,
    ...{ notBefore: new Date(notBefore), notAfter: new Date(notAfter) },
    ...{ firstSeen: new Date(firstSeen), lastSeen: new Date(lastSeen) },
    decidedAt: decidedAt === null ? null : new Date(decidedAt),
  };
}

export async function showDevice(db: Queryable, deviceId: string): Promise<DeviceDetails | undefined> {
  const [facts, decisions, changes, requests] = await Promise.all([
    deviceFacts(db, deviceId),
    db.query<DecisionRecord>(queries.lastDecisions(deviceId, mostShown)),
    db.query<ChangeRecord>(queries.lastChanges(deviceId, mostShown)),
    db.query<ConnectionRequest>(listRequests(deviceId, mostRequests)),
  ]);
  const rows = { decisions: decisions.rows, changes: changes.rows, connectionRequests: requests.rows };
  return facts && { ...facts, ...rows };
}
