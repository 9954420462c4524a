import type { Queryable } from '../platform/postgres.ts';
import type { CertificateState, DeviceState } from './device.ts';
import * as queries from './listing-queries.ts';

export interface DeviceFilter {
  readonly deviceId?: string;
  readonly state?: DeviceState;
  readonly anchor?: string;
  /** Beginning of an identity's value. */
  readonly identityPrefix?: string;
  readonly oui?: string;
  readonly serialNumber?: string;
  readonly tag?: string;
  /** Tag of the group that whoever asks is kept to; besides `tag`. */
  readonly group?: string;
  readonly site?: string;
  /** The newest approved certificate of an identity ends before then: the renewal worklist. */
  readonly expiresBefore?: Date;
}

export interface DeviceSummary {
  readonly deviceId: string;
  readonly state: DeviceState;
  readonly stateSince: Date;
  readonly origin: 'operator' | 'quarantine' | 'auto';
  readonly registeredAt: Date;
  readonly oui: string | null;
  readonly productClass: string | null;
  readonly serialNumber: string | null;
  readonly serialProvenance: 'imported' | 'learnt' | null;
  readonly note: string | null;
  readonly tags: readonly string[];
  readonly site: string | null;
  readonly replacedBy: string | null;
  /** When the first of its identities has no valid approved certificate any more; null where none was seen. */
  readonly expiresAt: Date | null;
  readonly lastInformAt: Date | null;
  readonly manufacturer: string | null;
  readonly softwareVersion: string | null;
  /** `<anchor> <value>`. */
  readonly identities: readonly string[];
}

export interface DevicePage {
  readonly devices: readonly DeviceSummary[];
  /** Give it as `after` for the next page; undefined on the last. */
  readonly next: string | undefined;
}

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

export interface DeviceDetails extends DeviceSummary {
  readonly identityRecords: readonly IdentityRecord[];
  /** Newest first, at most 20. */
  readonly certificates: readonly CertificateRecord[];
  readonly lastInform: ContactRecord | undefined;
  /** Newest first, at most 20 each. */
  readonly decisions: readonly DecisionRecord[];
  readonly changes: readonly ChangeRecord[];
}

const mostShown = 20;
const mostListed = 1000;

/** Devices in the order of registration; `after` is the `next` of the page before. */
export async function listDevices(
  db: Queryable,
  filter: DeviceFilter,
  page: { readonly after?: string; readonly limit: number },
): Promise<DevicePage> {
  const limit = Math.min(Math.max(page.limit, 1), mostListed);
  const { rows } = await db.query<DeviceSummary>(queries.listDevices(filter, page.after, limit + 1));
  const devices = rows.slice(0, limit);
  return { devices, next: rows.length > limit ? devices.at(-1)?.deviceId : undefined };
}

export async function countDevices(db: Queryable, filter: DeviceFilter): Promise<number> {
  const { rows } = await db.query<{ count: number }>(queries.countDevices(filter));
  return rows[0]?.count ?? 0;
}

export async function showDevice(db: Queryable, deviceId: string): Promise<DeviceDetails | undefined> {
  const [device, identities, certificates, contact, decisions, changes] = await Promise.all([
    db.query<DeviceSummary>(queries.oneDevice(deviceId)),
    db.query<IdentityRecord>(queries.deviceIdentities(deviceId)),
    db.query<CertificateRecord>(queries.deviceCertificates(deviceId, mostShown)),
    db.query<ContactRecord>(queries.lastContact(deviceId)),
    db.query<DecisionRecord>(queries.lastDecisions(deviceId, mostShown)),
    db.query<ChangeRecord>(queries.lastChanges(deviceId, mostShown)),
  ]);
  const [found] = device.rows;
  if (found === undefined) return undefined;
  return {
    ...found,
    identityRecords: identities.rows,
    certificates: certificates.rows,
    lastInform: contact.rows[0],
    decisions: decisions.rows,
    changes: changes.rows,
  };
}
