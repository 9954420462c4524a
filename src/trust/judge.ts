import type { Config } from '../config/schema.ts';
import type { AdmissionRecords, Standing } from '../fleet/admission-records.ts';
import { type DeviceState, stateRefusals } from '../fleet/device.ts';
import type { DeviceIdentity } from '../fleet/identity.ts';
import { chainIdOf, shownCertificate } from '../fleet/shown-certificate.ts';
import { DatabaseError } from '../platform/database-error.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificatePath } from '../x509/path.ts';
import type { PathAnchor } from '../x509/path-anchor.ts';
import type { PathFailure } from '../x509/path-failure.ts';
import type { HandshakeFacts } from './admission.ts';
import type { TrustAnchor } from './anchors.ts';
import { identify } from './identity.ts';
import { judgeHandshake, type PathJudge, readLeaf, verifiedAnchor } from './path-judgement.ts';
import type { Peer, RefusalReason, RefusalStage } from './refusal.ts';
import type { DeviceDetail, InternalDetail } from './refusal-details.ts';
import type { Revocation } from './revocation/revocation.ts';
import { type SecondLockError, secondLockDetail, secondLockObjection } from './second-lock.ts';
import type { Verdict } from './verdict.ts';

/** A refusal before it has a number. */
export interface Refused {
  readonly stage: RefusalStage;
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly peer: Peer;
  readonly identity?: DeviceIdentity;
  readonly deviceId?: string;
  readonly anchor?: string;
  readonly leaf?: Certificate;
  readonly verdict?: Verdict;
}

export type Judgement =
  | {
      readonly ok: true;
      readonly deviceId: string;
      readonly identity: DeviceIdentity;
      readonly path: CertificatePath;
      readonly sharedSecret: 'refuse' | 'ignore';
      readonly verdict: Verdict;
    }
  | { readonly ok: false; readonly refused: Refused };

export interface Judge extends PathJudge {
  readonly anchors: readonly TrustAnchor[];
  readonly secondLock: Config['secondLock'];
  readonly records: AdmissionRecords;
  readonly revocation: Pick<Revocation, 'judge'>;
  /** Told of known devices that the policy puts in quarantine. */
  readonly quarantined: (deviceId: string, path: CertificatePath, verdict: Verdict, at: Date) => void;
  /** Told of every path that OpenSSL alone refuses. */
  readonly objection: (error: SecondLockError) => void;
  /** Told of errors that kept a client from being judged. */
  readonly complain: (error: unknown) => void;
}

/** The fault is ours: nobody could judge the client, so it stays outside. */
export function unjudged(error: unknown): Pick<Refused, 'stage' | 'reason' | 'detail'> {
  const detail: InternalDetail = error instanceof DatabaseError ? 'database_unavailable' : 'internal_error';
  return { stage: 'device', reason: 'handshake_other', detail };
}

/** Path, second lock, identity, revocation, device, key: in this order, each only for what passed the one before. */
export function createJudge(judge: Judge): (handshake: HandshakeFacts, at: Date) => Promise<Judgement> {
  const anchorsOf = anchorsByDoor(judge.anchors);
  const byName = new Map(judge.anchors.map((anchor) => [anchor.name, anchor]));

  return async (handshake, at) => {
    if (handshake.chain.length === 0)
      return refusal({ stage: 'path', reason: 'no_client_cert', detail: 'empty_chain', peer: 'stranger' });
    const result = await judgeHandshake(judge, handshake, anchorsOf(handshake.anchors), at);
    if (!result.ok) return refusal(await pathRefusal(judge, byName, handshake, result.failures[0]));
    const { path } = result;
    const anchor = byName.get(path.anchorName);
    if (anchor === undefined) throw new Error(`a path leads to ${path.anchorName}, which is no anchor`);
    const objection = judge.secondLock === 'off' || handshake.resumed ? undefined : handshake.secondLock;
    const locked = secondLockObjection(objection, path, at);
    if (locked !== undefined) judge.objection(locked);
    if (locked !== undefined && judge.secondLock === 'enforce') {
      const who = await recognise(judge, path.leaf, anchor);
      return refusal({ stage: 'path', reason: 'second_lock', detail: secondLockDetail(locked), ...who });
    }
    return judgeIdentity(judge, anchor, path, handshake.resumed, at);
  };
}

function refusal(refused: Refused): Judgement {
  return { ok: false, refused };
}

/** One list for each set of anchors that a door accepts: x509 keeps an index for each list. */
function anchorsByDoor(anchors: readonly TrustAnchor[]): (accepted: readonly string[]) => readonly PathAnchor[] {
  const lists = new Map<string, readonly PathAnchor[]>();
  return (accepted) => {
    const key = accepted.join(' ');
    let list = lists.get(key);
    if (list === undefined) {
      list = anchors.filter(({ name }) => accepted.includes(name)).map(({ path }) => path);
      lists.set(key, list);
    }
    return list;
  };
}

async function pathRefusal(
  judge: Judge,
  byName: ReadonlyMap<string, TrustAnchor>,
  { chain }: HandshakeFacts,
  failure: PathFailure,
): Promise<Refused> {
  const { reason, detail } = failure;
  const leaf = readLeaf(chain);
  const anchor = byName.get(verifiedAnchor(failure) ?? '');
  if (leaf !== undefined && anchor !== undefined)
    return { stage: 'path', reason, detail, ...(await recognise(judge, leaf, anchor)) };
  const named = failure.anchor === undefined ? {} : { anchor: failure.anchor };
  return { stage: 'path', reason, detail, peer: 'stranger', ...named, ...(leaf && { leaf }) };
}

/** Whether a refused client with verified signatures is one of ours: its refusals must not drown in the noise. */
async function recognise(
  judge: Judge,
  leaf: Certificate,
  anchor: TrustAnchor,
): Promise<Pick<Refused, 'peer' | 'identity' | 'deviceId' | 'anchor' | 'leaf'>> {
  const identified = identify(leaf, anchor);
  if (!identified.ok) return { peer: 'trusted-chain', anchor: anchor.name, leaf };
  const { identity } = identified;
  // The refusal stands whatever the register says, so a register that does not answer changes nothing.
  const standing = await judge.records
    .find(identity, Buffer.from(leaf.fingerprint, 'hex'), null)
    .catch(() => undefined);
  if (standing === undefined) return { peer: 'trusted-chain', anchor: anchor.name, identity, leaf };
  return { peer: 'known', anchor: anchor.name, identity, deviceId: standing.deviceId, leaf };
}

async function judgeIdentity(
  judge: Judge,
  anchor: TrustAnchor,
  path: CertificatePath,
  resumed: boolean,
  at: Date,
): Promise<Judgement> {
  const { leaf } = path;
  const identified = identify(leaf, anchor);
  if (!identified.ok) {
    const { reason, detail, identity } = identified;
    const said = { stage: 'identity', reason, detail, peer: 'trusted-chain' } as const;
    return refusal({ ...said, anchor: anchor.name, leaf, ...(identity && { identity }) });
  }
  const { identity } = identified;
  try {
    const verdict = await judge.revocation.judge({ path, identity: identity.value }, at);
    if (verdict.outcome !== 'admit') return refusal(await revocationRefusal(judge, anchor, path, verdict, at));
    return await judgeDevice({ judge, anchor, path, identity, verdict }, resumed);
  } catch (error) {
    // Fail closed; the client has proven its chain, and its refusal is kept apart from the noise of strangers.
    judge.complain(error);
    return refusal({ ...unjudged(error), peer: 'trusted-chain', identity, leaf });
  }
}

/** No session; of a known device that is in quarantine it is kept, for a person to release. */
async function revocationRefusal(
  judge: Judge,
  anchor: TrustAnchor,
  path: CertificatePath,
  verdict: Verdict & { readonly outcome: 'quarantine' | 'deny' },
  at: Date,
): Promise<Refused> {
  const who = await recognise(judge, path.leaf, anchor);
  if (verdict.outcome === 'quarantine' && who.deviceId !== undefined)
    judge.quarantined(who.deviceId, path, verdict, at);
  return { stage: 'revocation', reason: verdict.cause, detail: verdict.detail, verdict, ...who };
}

async function judgeDevice(client: Client, resumed: boolean): Promise<Judgement> {
  const { judge, path } = client;
  // A resumed session shows no chain that could have changed.
  const chainId = resumed ? null : chainIdOf(path);
  const ask = () => judge.records.find(client.identity, Buffer.from(path.leaf.fingerprint, 'hex'), chainId);
  const standing = await ask();
  if (standing !== undefined) return judgeStanding(client, standing);
  const refused = await register(client);
  if (refused !== undefined) return refusal(refused);
  const registered = await ask();
  return registered === undefined ? unknown(client, 'not_registered') : judgeStanding(client, registered);
}

interface Client {
  readonly judge: Judge;
  readonly anchor: TrustAnchor;
  readonly path: CertificatePath;
  readonly identity: DeviceIdentity;
  readonly verdict: Verdict;
}

function unknown(client: Client, detail: DeviceDetail): Judgement {
  return refusal(unknownDevice(client, detail));
}

function unknownDevice({ identity, path: { leaf } }: Client, detail: DeviceDetail): Refused {
  return { stage: 'device', reason: 'device_unknown', detail, peer: 'trusted-chain', identity, leaf };
}

/** Makes a record where the anchor's registration mode says so; else, and beyond its limits, the reason why not. */
async function register(client: Client): Promise<Refused | undefined> {
  const { judge, anchor, identity, path } = client;
  const { registration: mode, autoRegistration } = anchor;
  if (mode === 'known-only') return unknownDevice(client, 'not_registered');
  if (mode === 'auto' && !autoRegistration.ouis.has(identity.oui)) return unknownDevice(client, 'oui_not_listed');
  const rule = { mode, perHour: autoRegistration.perHour };
  const made = await judge.records.register(identity, shownCertificate(path), rule);
  return made.kind === 'rate' ? unknownDevice(client, 'registration_rate') : undefined;
}

const stateDetails: Readonly<Partial<Record<DeviceState, DeviceDetail>>> = {
  quarantined: 'awaits_approval',
  blocked: 'blocked',
  retired: 'retired',
};

function stateDetail({ state, replaced }: Standing): string {
  return state === 'blocked' && replaced ? 'replaced' : (stateDetails[state] ?? 'unspecified');
}

async function judgeStanding(client: Client, standing: Standing): Promise<Judgement> {
  const { judge, anchor, path, identity, verdict } = client;
  const { deviceId, state } = standing;
  const known = { peer: 'known', identity, deviceId, leaf: path.leaf } as const;
  const reason = stateRefusals[state];
  if (reason !== undefined) return refusal({ stage: 'device', reason, detail: stateDetail(standing), ...known });
  const keyDetail = await judgeKey(client, standing);
  if (keyDetail !== undefined) return refusal({ stage: 'device', reason: 'key_held', detail: keyDetail, ...known });
  if (standing.certificate !== undefined && standing.chainChanged)
    await judge.records.rememberChain(deviceId, shownCertificate(path));
  return { ok: true, deviceId, identity, path, sharedSecret: anchor.sharedSecret, verdict };
}

/** Why the certificate's key is not let in; undefined when it is. */
async function judgeKey(client: Client, standing: Standing): Promise<DeviceDetail | undefined> {
  switch (standing.certificate) {
    case 'approved':
      return undefined;
    case 'held':
      return 'key_awaits_approval';
    case 'refused':
      return 'key_turned_away';
    case undefined:
      return judgeNewCertificate(client, standing.deviceId);
  }
}

async function judgeNewCertificate(client: Client, deviceId: string): Promise<DeviceDetail | undefined> {
  const { judge, anchor, path, identity } = client;
  const decision = await judge.records.rememberCertificate(deviceId, identity, shownCertificate(path), anchor.onNewKey);
  switch (decision) {
    case 'approved':
      return undefined;
    case 'held':
      return 'new_key';
    case 'refused':
      return anchor.onNewKey === 'refuse' ? 'new_key_refused' : 'key_turned_away';
  }
}
