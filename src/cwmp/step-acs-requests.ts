import type { AcsRequest } from './acs-methods.ts';
import { type Encoded, encodeEnvelope } from './encode.ts';
import type { Envelope } from './messages.ts';
import { cpeMethods, isSince } from './methods.ts';
import type { CwmpSession, OutstandingRequest, RunnerInput, SessionState, Step } from './session.ts';
import { answerFact, fail, send } from './step-results.ts';

const idPrefix = 'acs-';
const requestId = (n: number): string => `${idPrefix}${n}`;

/** The ACS has its turn, and something to ask. */
export function sendRequest(
  session: CwmpSession,
  { request, task, holdRequests }: Omit<RunnerInput & { kind: 'acs-request' }, 'kind'>,
): Step {
  const holding = holdRequests === true;
  const id = requestId(session.acsRequests + 1);
  const outstanding: OutstandingRequest = { id, request, task };
  const encoded = encodeRequest(session, { id, holdRequests: holding, message: request });
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

/** The schema of an older version has no such message, and a device of it could but fault. */
function encodeRequest(
  { namespace, version = '1.0' }: CwmpSession,
  envelope: { readonly id: string; readonly holdRequests: boolean; readonly message: AcsRequest },
): Encoded {
  const { method } = envelope.message;
  const since = cpeMethods[method];
  if (isSince(version, since)) return encodeEnvelope({ namespace, ...envelope });
  return { ok: false, message: `${method} is of CWMP ${since}, the device speaks ${version}` };
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
  // The device says its last answer again: what it led to was lost on the way, so nothing of that has been carried out.
  if (headers.id === requestId(session.acsRequests - 1)) return repeatRequest(session, outstanding);
  // One request is outstanding at a time: devices that send no ID, or one of their own, are believed by the method.
  const isLate = headers.id !== outstanding.id && headers.id?.startsWith(idPrefix);
  const isOther = body.kind === 'response' && body.response.method !== `${outstanding.request.method}Response`;
  if (isLate || isOther) return fail(session, 'unexpected-response');
  const answer =
    body.kind === 'fault' ? { kind: body.kind, fault: body.fault } : { kind: body.kind, response: body.response };
  return {
    session: { ...session, state: { kind: 'acs-turn' } },
    reply: { kind: 'acs-turn' },
    facts: [answerFact(outstanding, answer)],
  };
}

function repeatRequest(session: CwmpSession, outstanding: OutstandingRequest): Step {
  const { namespace, holding } = session;
  const { id, request, withheld } = outstanding;
  // Whoever has the task knows what was withheld, and may ask anew.
  if (withheld === true)
    return {
      session: { ...session, state: { kind: 'acs-turn' } },
      reply: { kind: 'acs-turn' },
      facts: [answerFact(outstanding, { kind: 'none' })],
    };
  return send(session, { namespace, id, holdRequests: holding, message: request });
}
