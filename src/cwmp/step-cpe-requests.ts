import type { CpeRequest } from './cpe-methods.ts';
import type { DecodeError } from './decode.ts';
import type { AcsFaultCode } from './faults.ts';
import type { Envelope } from './messages.ts';
import { acsMethodsOf } from './methods.ts';
import { faultOf } from './refusal.ts';
import type { CwmpSession, Fact, Step } from './session.ts';
import { beginSession } from './step-inform.ts';
import { type Asker, answerFact, fail, send, unanswered } from './step-results.ts';

/** Answers a request that the device sends within a session; the session goes on where it was. */
export function answerRequest(session: CwmpSession, envelope: Envelope, request: CpeRequest): Step {
  const {
    namespace,
    headers: { id },
  } = envelope;
  switch (request.method) {
    case 'Inform':
      // The device has given up this session, or never knew that it was in one.
      return beginSession(envelope, request, [...unanswered(session), { kind: 'restarted' }]);
    case 'GetRPCMethods':
      return send(session, {
        namespace,
        id,
        message: { method: 'GetRPCMethodsResponse', methodList: acsMethodsOf(session.version ?? '1.0') },
      });
    case 'TransferComplete':
      return send(session, { namespace, id, message: { method: 'TransferCompleteResponse' } }, [
        { kind: 'transfer-complete', transferComplete: request },
      ]);
    case 'AutonomousTransferComplete':
    case 'DUStateChangeComplete':
    case 'AutonomousDUStateChangeComplete':
    case 'RequestDownload':
      return send(session, { namespace, id, message: { method: `${request.method}Response` } }, [
        { kind: 'notice', notice: request },
      ]);
    case 'Kicked':
      // TR-069 A.4.2.1: the browser goes where the page that kicked wanted it to go.
      return send(session, { namespace, id, message: { method: 'KickedResponse', nextUrl: request.next } }, [
        { kind: 'notice', notice: request },
      ]);
    case 'unsupported':
      // TR-069 A.5.2: 8000, method not supported.
      return sendFault(session, { namespace, id }, request.name, 8000);
  }
}

/** A message of the device within a session that could not be read. */
export function refuseUnreadable(session: CwmpSession, error: DecodeError): Step {
  const { state } = session;
  const { about } = error;
  const faultCode = faultOf(error.code);
  if (faultCode === undefined || about === undefined) return fail(session, 'unreadable');
  if (about.kind === 'request') return sendFault(session, about, about.name, faultCode);
  // TR-069 3.5: a fault answers a request only. The device has answered, if not to our understanding.
  if (state.kind !== 'wait-answer') return fail(session, 'unexpected-response');
  const facts: Fact[] = [answerFact(state.outstanding, { kind: 'unreadable', error })];
  return { session: { ...session, state: { kind: 'acs-turn' } }, reply: { kind: 'acs-turn' }, facts };
}

function sendFault(session: CwmpSession, { namespace, id }: Asker, name: string, faultCode: AcsFaultCode): Step {
  const facts: Fact[] = [{ kind: 'request-refused', name, faultCode }];
  return send(session, { namespace, id, message: { method: 'Fault', faultCode } }, facts);
}
