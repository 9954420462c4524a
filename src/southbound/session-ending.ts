import type { SessionEnd } from './door-metrics.ts';
import type { Runner } from './session-deps.ts';
import { sessionEnded } from './session-spans.ts';
import type { Session } from './session-store.ts';

export function end(runner: Runner, session: Session, outcome: SessionEnd): void {
  runner.store.remove(session);
  finish(runner, session, outcome);
  if (outcome !== 'moved' && outcome !== 'closed' && session.kept) runner.store.bury(session.cookie);
  if (session.archived && outcome !== 'moved') forget(runner, session);
}

/** Nobody has to go on with it any more. */
function forget(runner: Runner, { deviceId, cookie }: Session): void {
  runner.archive.drop(deviceId, cookie).catch((error: unknown) => {
    // It is over by itself, a little later.
    runner.logger.debug({ err: error, device: deviceId }, 'a kept session could not be dropped');
  });
}

/** How long it has lasted. */
export const secondsOf = ({ clock }: Runner, { beganAt }: Session): number => (clock.now().getTime() - beganAt) / 1000;

/** One line a session; none for an empty POST outside of one. */
export function finish(runner: Runner, session: Session, outcome: SessionEnd): void {
  if (session.ended !== undefined) return;
  session.ended = outcome;
  sessionEnded(session, outcome);
  const seconds = secondsOf(runner, session);
  if (session.kept) runner.metrics.sessionEnded(outcome, seconds);
  else if (outcome === 'completed') return;
  const { admission, deviceId: device, requests, failure, cwmp } = session;
  runner.logger.info(
    {
      admission: admission.id,
      connection: admission.handshake.connectionId,
      device,
      identity: admission.identity.value,
      listener: admission.handshake.listener,
      outcome,
      failure,
      cwmp: cwmp.version,
      requests,
      acsRequests: cwmp.acsRequests,
      seconds,
    },
    'session',
  );
}
