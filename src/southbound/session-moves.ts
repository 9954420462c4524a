import { setTimeout as sleep } from 'node:timers/promises';
import type { CwmpSession } from '../cwmp/session.ts';
import type { ModelQuirks } from '../fleet/model-quirks.ts';
import { cookieDigest, type KeptSession } from '../fleet/session-archive.ts';
import { withoutSecretValues } from '../fleet/task-secrets.ts';
import type { Admission } from '../trust/admission.ts';
import type { Runner } from './session-deps.ts';
import { beginSession, type Session } from './session-store.ts';

/*
 * A session outlives its connection, and its node: TR-069 3.4.2 lets the device go on with its cookie on a new one. What
 * is needed for that is written only when it may be needed: with every request for a task (in the same statement), and
 * when a connection is gone with its session open.
 */

/** What another node needs. */
interface Snapshot {
  readonly cwmp: CwmpSession;
  readonly listener: string;
  readonly beganAt: number;
  readonly requests: number;
  readonly idleTime: number;
  readonly cookieSent: boolean;
  readonly traced: boolean;
  readonly quirks: ModelQuirks;
}

export function keptSession({ clock }: Runner, session: Session): KeptSession {
  const { cwmp, admission, beganAt, requests, idleTime, cookieSent, traced, quirks, cookie, fingerprint } = session;
  const snapshot: Snapshot = {
    cwmp: withoutOutstandingSecrets(cwmp),
    listener: admission.handshake.listener,
    beganAt,
    requests,
    idleTime,
    cookieSent,
    traced,
    quirks,
  };
  const expiresAt = new Date(clock.now().getTime() + idleTime);
  return { cookie: cookieDigest(cookie), fingerprint, session: snapshot, expiresAt };
}

function withoutOutstandingSecrets(cwmp: CwmpSession): CwmpSession {
  if (cwmp.state.kind !== 'wait-answer') return cwmp;
  const { outstanding } = cwmp.state;
  const request = withoutSecretValues(outstanding.request);
  if (request === outstanding.request) return cwmp;
  return { ...cwmp, state: { ...cwmp.state, outstanding: { ...outstanding, request, withheld: true } } };
}

/** A device that comes back at once finds its session here; only one that stays away is worth a write. */
const patience = 200;

/** The connection is gone; its session, if it is open, waits here and, a little later, for all nodes. */
export function keepLater(runner: Runner, session: Session): void {
  if (!session.kept || session.ended !== undefined) return;
  session.carriers -= 1;
  if (session.carriers > 0) return;
  setTimeout(() => {
    if (session.carriers === 0 && session.ended === undefined)
      keepNow(runner, session).catch((error: unknown) =>
        runner.logger.warn(
          { err: error, device: session.deviceId },
          'an open session could not be kept for other nodes',
        ),
      );
  }, patience).unref();
}

export async function keepNow(runner: Runner, session: Session): Promise<void> {
  if (!session.kept || session.ended !== undefined || session.cwmp.state.kind === 'acs-turn') return;
  await runner.archive.keep(session.deviceId, keptSession(runner, session));
  session.archived = true;
}

/** How long after one another a session that is not here is looked for: the node that has it may just be writing it. */
const looks = [0, 250, 500, 750];

/** The session of this cookie, from wherever it was; it is ours then. */
export async function takeOver(runner: Runner, admission: Admission, cookie: string): Promise<Session | undefined> {
  for (const wait of looks) {
    if (wait > 0) await sleep(wait, undefined, { ref: false });
    const taken = await runner.archive.take(admission.deviceId, cookie, admission.fingerprint);
    if (taken !== undefined) return restore(runner, admission, cookie, taken as Snapshot);
  }
  return undefined;
}

/** A session of ours whose device comes on another connection: it may have been at another node meanwhile. */
export async function reclaim(runner: Runner, session: Session, admission: Admission): Promise<Session | undefined> {
  if (!session.archived) return session;
  const taken = await runner.archive.take(admission.deviceId, session.cookie, admission.fingerprint);
  session.archived = false;
  if (taken === undefined) return undefined;
  // Ours is the later one, unless somebody else went on with it.
  if ((taken as Snapshot).requests <= session.requests) return session;
  return restore(runner, admission, session.cookie, taken as Snapshot);
}

function restore(runner: Runner, admission: Admission, cookie: string, snapshot: Snapshot): Session | undefined {
  // A session of one door goes on at that door.
  if (snapshot.listener !== admission.handshake.listener) return undefined;
  const { cwmp, beganAt, requests, idleTime, cookieSent, traced, quirks } = snapshot;
  const session: Session = {
    ...beginSession(admission, beganAt, idleTime),
    ...{ cookie, cwmp, requests, cookieSent, traced, quirks, kept: true, tasks: true },
  };
  runner.metrics.sessionBegan();
  return session;
}
