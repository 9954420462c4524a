import { encodeEnvelope, type OutgoingEnvelope } from './encode.ts';
import type { AcsFaultCode } from './faults.ts';
import type { Answer, CwmpSession, Fact, FailureReason, OutstandingRequest, Step } from './session.ts';

/** Whose message is answered: its namespace and ID go into the answer. */
export interface Asker {
  readonly namespace: string;
  readonly id?: string | undefined;
}

/** HTTP 200 with this envelope. */
export function send(session: CwmpSession, envelope: OutgoingEnvelope, facts: readonly Fact[] = []): Step {
  const encoded = encodeEnvelope(envelope);
  // Not from `decodeEnvelope`: an ID that was read from XML can be written.
  if (!encoded.ok) return fail(session, 'unreadable', facts);
  return { session, reply: { kind: 'envelope', xml: encoded.xml }, facts };
}

/** The session is over, by HTTP 400: what the device sent cannot be answered with a message. */
export function fail(session: CwmpSession, reason: FailureReason, facts: readonly Fact[] = []): Step {
  return {
    session: { ...session, state: { kind: 'ended' } },
    reply: { kind: 'refuse', httpStatus: 400 },
    facts: [...facts, ...unanswered(session), { kind: 'failed', reason }],
  };
}

/** The session is over, by a fault; CWMP sends faults with HTTP 200. */
export function failWithFault(
  session: CwmpSession,
  reason: FailureReason,
  { namespace, id }: Asker,
  faultCode: AcsFaultCode,
): Step {
  const failed = fail(session, reason);
  const encoded = encodeEnvelope({ namespace, id, message: { method: 'Fault', faultCode } });
  if (!encoded.ok) return failed;
  return { ...failed, reply: { kind: 'refuse', httpStatus: 200, faultXml: encoded.xml } };
}

export function answerFact({ request, task }: OutstandingRequest, answer: Answer): Fact {
  return { kind: 'answer', request, task, answer };
}

/** The request of the ACS that the device passes over by what it sends now. */
export function unanswered({ state }: CwmpSession): readonly Fact[] {
  return state.kind === 'wait-answer' ? [answerFact(state.outstanding, { kind: 'none' })] : [];
}
