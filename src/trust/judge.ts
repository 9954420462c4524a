import { DatabaseError } from '../platform/database-error.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificatePath } from '../x509/path.ts';
import type { PathAnchor } from '../x509/path-anchor.ts';
import type { PathFailure } from '../x509/path-failure.ts';
import type { HandshakeFacts } from './admission.ts';
import type { TrustAnchor } from './anchors.ts';
import { judgeDevice } from './device-judgement.ts';
import { identify } from './identity.ts';
import { type Judge, type Judgement, type Refused, refusal } from './judgement.ts';
import { judgeHandshake, readLeaf, verifiedAnchor } from './path-judgement.ts';
import type { InternalDetail } from './refusal-details.ts';
import { secondLockDetail, secondLockObjection } from './second-lock.ts';
import type { Verdict } from './verdict.ts';

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
    return judgeIdentity(judge, anchor, path, handshake, at);
  };
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
  { resumed, role }: Pick<HandshakeFacts, 'resumed' | 'role'>,
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
    return await judgeDevice({ judge, anchor, path, identity, verdict, role }, resumed);
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
