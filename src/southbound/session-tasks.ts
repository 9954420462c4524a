import type { Fact, Input } from '../cwmp/session.ts';
import type { Offer, TaskSession } from '../fleet/task-dispatch.ts';
import type { Runner } from './session-deps.ts';
import { keptSession } from './session-moves.ts';
import { inSession, requestSent } from './session-spans.ts';
import { type Session, sessionIdOf } from './session-store.ts';

/** The session as the tasks know it. */
function taskSession({ doorUrl }: Runner, session: Session): TaskSession {
  return {
    id: sessionIdOf(session),
    deviceId: session.deviceId,
    version: session.cwmp.version ?? '1.0',
    quirks: session.quirks,
    doorUrl: doorUrl(),
  };
}

/**
 * The ACS has its turn. A session in which nothing is known to wait asks nobody: its Inform has said whether there are
 * tasks, and tasks that are queued since are told (`wake`).
 */
export async function nextRequest(runner: Runner, session: Session): Promise<Input> {
  const { limits, tasks } = runner;
  // A session that goes on for ever keeps everybody else's work waiting: the rest has time until the next one.
  if (!session.tasks || session.cwmp.acsRequests >= limits.requestsPerSession) return { kind: 'no-acs-request' };
  let offer: Offer | undefined;
  while (offer === undefined && session.tasks) {
    // Before the question: a task that is queued while it is answered sets it again.
    session.tasks = false;
    offer = await inSession(session, 'hems.task.next', () => tasks.next(taskSession(runner, session)));
  }
  if (offer === undefined) return { kind: 'no-acs-request' };
  session.tasks = true;
  session.offer = offer;
  return { kind: 'acs-request', request: offer.request, task: offer.task.id };
}

/** Before the request leaves: that it does is on record, and the session may go on at another node. */
export async function recordSending(runner: Runner, session: Session): Promise<boolean> {
  const { offer } = session;
  if (offer === undefined || session.cwmp.state.kind !== 'wait-answer') return true;
  if (session.cwmp.state.outstanding.task !== offer.task.id) return true;
  const sent = await inSession(session, 'hems.task.sending', () =>
    runner.tasks.sending(taskSession(runner, session), offer, keptSession(runner, session)),
  );
  if (sent) requestSent(session);
  session.archived ||= sent;
  return sent;
}

export async function recordAnswer(runner: Runner, session: Session, fact: Fact & { kind: 'answer' }): Promise<void> {
  const { task: taskId, request, answer } = fact;
  if (taskId === undefined) return;
  const offer = session.offer?.task.id === taskId ? session.offer : undefined;
  session.offer = undefined;
  // Before the answer is recorded: a task that is queued meanwhile sets it again.
  session.tasks = false;
  const waiting = await inSession(session, 'hems.task.answered', () =>
    runner.tasks.answered(taskSession(runner, session), { taskId, offer, request, answer }),
  );
  if (waiting) session.tasks = true;
  session.archived = false;
}
