import { randomBytes } from 'node:crypto';
import type {
  ClaimedRequest,
  ConnectionRequestForm,
  ConnectionRequestOutcome,
} from '../../fleet/connection-request.ts';
import type { ConnectionCredentials } from '../../fleet/connection-credentials.ts';
import type { ConnectionRequests } from '../../fleet/connection-requests.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Egress } from '../../platform/egress/egress.ts';
import type { EgressRequest, EgressResult, EgressTls } from '../../platform/egress/egress-request.ts';
import type { DeviceServerJudge } from '../../trust/device-server.ts';
import { answerChallenge, type DigestChallenge, type DigestCredentials, readChallenge } from './digest.ts';
import { outcomeOf } from './wake-outcome.ts';
import { judgeWakeTarget, type WakeRules, type WakeTarget } from './wake-target.ts';

export interface WakeAttemptDeps {
  readonly egress: Pick<Egress, 'fetch'>;
  readonly clock: Clock;
  readonly rules: WakeRules;
  /** Milliseconds of one exchange. */
  readonly timeout: number;
  readonly requests: Pick<ConnectionRequests, 'isAnothers'>;
  readonly credentials: ConnectionCredentials;
  /** Anchors with `connectionRequest: digest`. */
  readonly digestAnchors: readonly string[];
  readonly judgeServer: DeviceServerJudge;
  /** PEM of the certificate that the H(e)MS shows; rejects as node:fs does. */
  readonly ownCertificate: () => Promise<Pick<EgressTls, 'chain' | 'key'>>;
}

/** Carries one connection request out. Never throws for what a device or a network does. */
export async function attemptWake(deps: WakeAttemptDeps, claimed: ClaimedRequest): Promise<ConnectionRequestOutcome> {
  const standing = standingFault(claimed);
  if (standing !== undefined) return standing;
  const target = judgeWakeTarget(claimed, deps.rules);
  if (!target.ok) {
    const { cause, detail, remedy } = target;
    return { state: 'refused', cause, detail, remedy };
  }
  if (target.elsewhere !== undefined && (await deps.requests.isAnothers(claimed.deviceId, target.elsewhere)))
    return {
      ...{ state: 'refused', cause: 'address', detail: `${target.elsewhere} is where another device was last seen` },
      remedy: 'the device names a neighbour: see to its configuration',
    };
  return target.form === 'certificate' ? askByCertificate(deps, claimed, target) : askPlainly(deps, claimed, target);
}

function standingFault({ deviceState, taskId, taskState }: ClaimedRequest): ConnectionRequestOutcome | undefined {
  if (taskId !== null && taskState !== 'queued')
    return { state: 'needless', cause: 'task', detail: `the task is ${taskState ?? 'gone'} already` };
  if (deviceState === 'active' || deviceState === 'held' || deviceState === 'expected') return undefined;
  return {
    state: 'refused',
    cause: 'device',
    detail: `the device is ${deviceState ?? 'gone'}`,
    remedy: 'let it in first',
  };
}

type Allowed = Extract<WakeTarget, { ok: true }>;

/** A GET that carries nothing: no credentials, no body, no cookie; of the answer the status alone is read. */
function requestOf({ timeout }: WakeAttemptDeps, { url, policy }: Allowed): EgressRequest {
  const limits = { maxBytes: 0, timeout, statusOnly: true, again: true } as const;
  return { purpose: 'connection-request', method: 'GET', url, policy, ...limits };
}

async function askByCertificate(
  deps: WakeAttemptDeps,
  { deviceId }: ClaimedRequest,
  target: Allowed,
): Promise<ConnectionRequestOutcome> {
  const own = await deps.ownCertificate().catch((error: Error) => error);
  if (own instanceof Error)
    return {
      ...{ state: 'refused', form: 'certificate', cause: 'own-certificate', detail: own.message },
      remedy: 'see connectionRequests.certificate, or the certificates of the first listener',
    };
  const judge: EgressTls['judge'] = (chain) => deps.judgeServer(chain, deviceId, deps.clock.now());
  const result = await deps.egress.fetch({ ...requestOf(deps, target), tls: { ...own, judge } });
  return outcomeOf(result, 'certificate');
}

/** Challenges answered in one request: one, and one more where the device only found the nonce too old. */
const mostAnswers = 2;

async function askPlainly(
  deps: WakeAttemptDeps,
  claimed: ClaimedRequest,
  target: Allowed,
): Promise<ConnectionRequestOutcome> {
  const request = requestOf(deps, target);
  let form: ConnectionRequestForm = 'plain';
  let result = await deps.egress.fetch(request);
  // TS 33.320 8.3.4: no shared secret; only where the operator departs from it, and only to the device's own address.
  const permitted = claimed.anchors.some((anchor) => deps.digestAnchors.includes(anchor));
  if (!permitted || target.elsewhere !== undefined || !isChallenge(result)) return outcomeOf(result, form);
  const credentials = await credentialsOf(deps, claimed);
  if ('state' in credentials) return credentials;
  const { pathname, search } = new URL(target.url);
  for (let answers = 0; answers < mostAnswers && isChallenge(result); answers += 1) {
    const challenge: DigestChallenge | undefined = readChallenge(result.headers.authenticate);
    if (challenge === undefined) return unanswerable(result.headers.authenticate);
    if (answers > 0 && !challenge.stale) break;
    form = 'digest';
    const cnonce = randomBytes(16).toString('hex');
    const authorization = answerChallenge(challenge, credentials, pathname + search, cnonce);
    result = await deps.egress.fetch({ ...request, authorization });
  }
  if (!isChallenge(result)) return outcomeOf(result, form);
  await deps.credentials.lost(claimed.deviceId);
  return {
    ...{ state: 'unauthorized', form, status: 401, cause: 'credentials', detail: 'it does not take the credentials' },
    remedy: 'new ones are set in its next session: ask again after it',
  };
}

type Answered = Extract<EgressResult, { kind: 'answer' }>;

function isChallenge(result: EgressResult): result is Answered {
  return result.kind === 'answer' && result.status === 401;
}

function unanswerable(field: string | undefined): ConnectionRequestOutcome {
  return {
    ...{ state: 'unauthorized', form: 'plain', status: 401, cause: 'challenge' },
    detail: `it asks for other credentials than digest (${field?.slice(0, 60) ?? 'none named'})`,
    remedy: 'hems answers Digest with MD5 or SHA-256 and qop auth, and never Basic',
  };
}

async function credentialsOf(
  { credentials }: WakeAttemptDeps,
  { deviceId, username, sealed, credentialsState }: ClaimedRequest,
): Promise<DigestCredentials | ConnectionRequestOutcome> {
  const without = (detail: string, remedy: string): ConnectionRequestOutcome => ({
    ...{ state: 'unauthorized', form: 'plain', status: 401, cause: 'no-credentials', detail, remedy },
  });
  if (username === null || sealed === null)
    return without(
      'it has been given no credentials yet',
      'they are set in its next session; HEMS_SECRET_KEY has to be set',
    );
  if (credentialsState !== 'done')
    return without(`the task that sets its credentials is ${credentialsState ?? 'gone'}`, 'wait for its next session');
  const opened = await credentials.open(deviceId, sealed);
  if (!opened.ok)
    return without(`its credentials cannot be opened: ${opened.cause}`, 'set HEMS_SECRET_KEY on this node');
  return { username, password: opened.secret };
}
