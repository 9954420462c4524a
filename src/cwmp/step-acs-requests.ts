import { encodeEnvelope } from './encode.ts';
import type { Envelope } from './messages.ts';
import type { CwmpSession, OutstandingRequest, RunnerInput, SessionState, Step } from './session.ts';
import { answerFact, fail } from './step-results.ts';

/** The ACS has its turn, and something to ask. */
export function sendRequest(
  session: CwmpSession,
  { request, task, holdRequests }: Omit<RunnerInput & { kind: 'acs-request' }, 'kind'>,
): Step {
  const holding = holdRequests === true;
  const id = String(session.acsRequests + 1);
  const outstanding: OutstandingRequest = { id, request, task };
  const encoded = encodeEnvelope({ namespace: session.namespace, id, holdRequests: holding, message: request });
  if (!encoded.ok) {
    const facts = [answerFact(outstanding, { kind: 'not-sent', message: encoded.message })];
    return { session, reply: { kind: 'acs-turn' }, facts };
  }
  const state: SessionState = { kind: 'wait-answer', outstanding };
  return {
    session: { ...session, state, holding, acsRequests: session.acsRequests + 1 },
    reply: { kind: 'envelope', xml: encoded.xml },
    facts: [],
  };
}

/** The ACS has its turn, and nothing to ask. */
export function acsIsDone(session: CwmpSession): Step {
  // TR-069 3.7.2.4: the session is over when neither side has requests left and none is unanswered.
  if (session.cpeDone) return { session: { ...session, state: { kind: 'ended' } }, reply: { kind: 'end' }, facts: [] };
  // Only a request can lift HoldRequests; this one harms nobody.
  if (session.holding) return sendRequest(session, { request: { method: 'GetRPCMethods' } });
  return { session: { ...session, state: { kind: 'cpe-requests' } }, reply: { kind: 'pause' }, facts: [] };
}

/** A response or a fault of the device: it answers the request that is outstanding, or nothing. */
export function takeAnswer(session: CwmpSession, { headers, body }: Envelope): Step {
  const { state } = session;
  if (body.kind === 'request' || state.kind !== 'wait-answer') return fail(session, 'unexpected-response');
  const { outstanding } = state;
  // Devices that send no ID are believed by the method alone: only one request is ever outstanding.
  const isAnswer =
    (headers.id === undefined || headers.id === outstanding.id) &&
    (body.kind === 'fault' || body.response.method === `${outstanding.request.method}Response`);
  if (!isAnswer) return fail(session, 'unexpected-response');
  const answer =
    body.kind === 'fault' ? { kind: body.kind, fault: body.fault } : { kind: body.kind, response: body.response };
  return {
    session: { ...session, state: { kind: 'acs-turn' } },
    reply: { kind: 'acs-turn' },
    facts: [answerFact(outstanding, answer)],
  };
}
