import type { Clock } from '../platform/clock.ts';
import { uuidv7 } from '../platform/ids.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import * as queries from './admission-queries.ts';
import { twinOf } from './certificate-twins.ts';
import { recordChange } from './changes.ts';
import type { CertificateState, DeviceState } from './device.ts';
import type { DeviceIdentity } from './identity.ts';
import { judgeKey, type KeyVerdict, type KnownKey, type NewKeyPolicy } from './key-policy.ts';
import type { ShownCertificate } from './shown-certificate.ts';
import type { Suspect, Suspicion } from './suspicions.ts';

/** How the register stands to an identity and the certificate shown for it. */
export interface Standing {
  readonly deviceId: string;
  readonly state: DeviceState;
  /** Undefined: this certificate was never shown. */
  readonly certificate: CertificateState | undefined;
  /** The chain differs from the one kept. */
  readonly chainChanged: boolean;
  /** Another device took its place, for good. */
  readonly replaced: boolean;
  /** It has come with an approved certificate under one of the anchors asked for. */
  readonly enrolled: boolean;
}

export interface RegistrationRule {
  readonly mode: 'quarantine' | 'auto';
  /** New records an hour under this anchor, over all nodes. */
  readonly perHour: number;
}

export type Registration =
  | { readonly kind: 'registered'; readonly deviceId: string }
  /** Somebody else registered it in the same moment: look it up again. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'rate' };

export type KeyDecision = 'approved' | 'held' | 'refused';

/** What the gate asks of the register, and what it writes there. Every method rejects when the database does. */
export interface AdmissionRecords {
  /** One round trip. `chainId` null on a resumed session, which shows no chain. */
  find(
    identity: DeviceIdentity,
    fingerprint: Buffer,
    chainId: Buffer | null,
    enrolledUnder?: readonly string[],
  ): Promise<Standing | undefined>;
  /** Intermediates kept for a leaf, or for other leaves of its issuer. */
  findChains(fingerprint: Buffer, leafIssuer: Buffer): Promise<readonly (readonly Uint8Array[])[]>;
  /** Makes a record for an identity that nobody holds, together with its first certificate. */
  register(identity: DeviceIdentity, shown: ShownCertificate, rule: RegistrationRule): Promise<Registration>;
  /** Judges and keeps a certificate that a known device shows for the first time. */
  rememberCertificate(
    deviceId: string,
    identity: DeviceIdentity,
    shown: ShownCertificate,
    policy: NewKeyPolicy,
  ): Promise<KeyDecision>;
  rememberChain(deviceId: string, shown: ShownCertificate): Promise<void>;
}

/** Held certificates kept of one device: a CA gone mad must not fill the register. */
const mostHeld = 8;

export interface RecordsDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly suspect?: Suspect;
}

export function createAdmissionRecords(deps: RecordsDeps): AdmissionRecords {
  const { db, clock } = deps;
  // Told once it is true: after the commit.
  const told = async <T>(work: (suspect: Suspect) => Promise<T>): Promise<T> => {
    const suspicions: Suspicion[] = [];
    const result = await work((suspicion) => void suspicions.push(suspicion));
    for (const suspicion of suspicions) deps.suspect?.(suspicion);
    return result;
  };
  return {
    find: async (identity, fingerprint, chainId, enrolledUnder) => {
      const query = queries.findStanding(identity, fingerprint, chainId, enrolledUnder ?? null);
      const { rows } = await db.query<queries.StandingRow>(query);
      const row = rows[0];
      if (row === undefined) return undefined;
      return {
        deviceId: row.device_id,
        state: row.state,
        certificate: row.certificate_state ?? undefined,
        chainChanged: !row.same_chain,
        replaced: row.replaced,
        enrolled: row.enrolled,
      };
    },
    findChains: async (fingerprint, leafIssuer) => {
      const { rows } = await db.query<{ certificates: Buffer[] }>(queries.findChains(fingerprint, leafIssuer));
      return rows.map(({ certificates }) => certificates);
    },
    register: (identity, shown, rule) =>
      told((suspect) =>
        db.transaction((tx) => register(tx, { identity, shown, rule, id: uuidv7(clock), at: clock.now(), suspect })),
      ),
    rememberCertificate: (deviceId, identity, shown, policy) =>
      told((suspect) =>
        db.transaction((tx) => remember(tx, { deviceId, identity, shown, policy, at: clock.now(), suspect })),
      ),
    rememberChain: (deviceId, shown) =>
      db.transaction(async (tx) => {
        await tx.query(queries.insertChain(shown, clock.now()));
        await tx.query(queries.setChain(deviceId, shown));
      }),
  };
}

interface RegisterInput {
  readonly identity: DeviceIdentity;
  readonly shown: ShownCertificate;
  readonly rule: RegistrationRule;
  readonly id: string;
  readonly at: Date;
  readonly suspect: Suspect;
}

async function register(tx: Queryable, input: RegisterInput): Promise<Registration> {
  const { identity, shown, rule, id, at } = input;
  await tx.query(queries.lockRegistrations(identity.anchor));
  const made = await tx.query<{ made: number }>(queries.countRegistrations(identity.anchor, at));
  if ((made.rows[0]?.made ?? rule.perHour) >= rule.perHour) return { kind: 'rate' };
  const claimed = await tx.query(queries.claimIdentity(identity, id));
  if (claimed.count === 0) return { kind: 'taken' };
  const quarantine = rule.mode === 'quarantine';
  const state = quarantine ? 'quarantined' : 'expected';
  await tx.query(queries.insertDevice({ id, state, origin: rule.mode, anchor: identity.anchor, at }));
  await tx.query(queries.linkIdentity(id, identity, at, `registration: ${rule.mode}`));
  await tx.query(queries.insertChain(shown, at));
  // A quarantined device's key is approved together with the device.
  await tx.query(queries.insertCertificate(id, identity, shown, quarantine ? 'held' : 'approved', at));
  await tx.query(queries.insertShown(id, shown));
  const twin = await twinOf(tx, id, shown, [], at);
  if (twin !== undefined) input.suspect(twin);
  await recordChange(tx, {
    deviceId: id,
    at,
    actor: { kind: 'policy', name: `registration: ${rule.mode}` },
    action: 'register',
    after: { state, anchor: identity.anchor, identity: identity.value, fingerprint: shown.leaf.fingerprint },
  });
  return { kind: 'registered', deviceId: id };
}

interface RememberInput {
  readonly deviceId: string;
  readonly identity: DeviceIdentity;
  readonly shown: ShownCertificate;
  readonly policy: NewKeyPolicy;
  readonly at: Date;
  readonly suspect: Suspect;
}

async function remember(tx: Queryable, input: RememberInput): Promise<KeyDecision> {
  const { deviceId, identity, shown, at } = input;
  await tx.query(queries.lockDevice(deviceId));
  const known = await tx.query<queries.KnownCertificateRow>(queries.knownKeys(deviceId, identity));
  const already = known.rows.find(({ fingerprint }) => fingerprint === shown.leaf.fingerprint);
  if (already !== undefined) return already.state;
  const expected = await tx.query<{ fingerprint: string | null }>(queries.expectedCertificate(deviceId, identity));
  const named = expected.rows[0]?.fingerprint ?? undefined;
  const verdict = judgeCertificate(input, known.rows, named);
  const state = verdict.kind === 'first' ? 'approved' : verdict.state;
  await noteSuspicions(tx, input, known.rows, verdict);
  const held = known.rows.filter((key) => key.state === 'held').length;
  if (state === 'refused' || (state === 'held' && held >= mostHeld)) return state;
  await tx.query(queries.insertChain(shown, at));
  await tx.query(queries.insertCertificate(deviceId, identity, shown, state, at));
  await tx.query(queries.insertShown(deviceId, shown));
  if (verdict.kind === 'new') await recordNewKey(tx, input, verdict);
  return state;
}

async function noteSuspicions(
  tx: Queryable,
  { deviceId, identity, shown, at, suspect }: RememberInput,
  known: readonly queries.KnownCertificateRow[],
  verdict: KeyVerdict,
): Promise<void> {
  const twin = await twinOf(tx, deviceId, shown, known, at);
  if (twin !== undefined) suspect(twin);
  if (verdict.kind !== 'new' || verdict.state === 'approved') return;
  const evidence = {
    anchor: identity.anchor,
    identity: identity.value,
    fingerprint: shown.leaf.fingerprint,
    keyFingerprint: shown.spki.toString('hex'),
  };
  suspect({ deviceId, kind: 'two_keys', evidence });
}

/** A certificate named ahead is the right one whatever was shown before; where one is named, no other is the first. */
function judgeCertificate(
  { shown, policy }: RememberInput,
  known: readonly KnownKey[],
  named: string | undefined,
): KeyVerdict {
  if (named === shown.leaf.fingerprint) return { kind: 'new', state: 'approved' };
  const verdict = judgeKey(policy, shown.spki.toString('hex'), known);
  if (named === undefined || verdict.kind !== 'first') return verdict;
  return { kind: 'new', state: policy === 'refuse' ? 'refused' : 'held' };
}

async function recordNewKey(tx: Queryable, input: RememberInput, verdict: KeyVerdict & { kind: 'new' }): Promise<void> {
  const { deviceId, identity, shown, at } = input;
  const held = verdict.state === 'held';
  if (held) await tx.query(queries.holdDevice(deviceId, at));
  await recordChange(tx, {
    deviceId,
    at,
    actor: { kind: 'policy', name: `onNewKey: ${input.policy}` },
    action: held ? 'hold_key' : 'admit_key',
    after: {
      anchor: identity.anchor,
      identity: identity.value,
      fingerprint: shown.leaf.fingerprint,
      spki: shown.spki.toString('hex'),
    },
  });
}
