import type { Inform } from './cpe-methods.ts';
import type { Envelope } from './messages.ts';
import { faultOf } from './refusal.ts';
import {
  type CwmpSession,
  type DeviceInput,
  type Fact,
  newSession,
  type RunnerInput,
  type SessionState,
  type Step,
} from './session.ts';
import { fail, failWithFault, send } from './step-results.ts';
import { negotiateVersion } from './versions.ts';

/** TR-069 3.7.2.1: a session begins with an Inform. */
export function beforeInform(input: DeviceInput): Step {
  const session = newSession();
  switch (input.kind) {
    case 'empty':
      // TR-069 3.4.6: an empty answer, for there is nothing to say.
      return { session: { ...session, state: { kind: 'ended' } }, reply: { kind: 'end' }, facts: [] };
    case 'unreadable': {
      const { about } = input.error;
      const faultCode = faultOf(input.error.code);
      if (faultCode === undefined || about?.kind !== 'request') return fail(session, 'unreadable');
      return failWithFault(session, 'unreadable', about, faultCode);
    }
    case 'envelope': {
      const { namespace, headers, body } = input.envelope;
      if (body.kind !== 'request') return fail(session, 'first-message-not-inform');
      if (body.request.method === 'Inform') return beginSession(input.envelope, body.request);
      return failWithFault(session, 'first-message-not-inform', { namespace, id: headers.id }, 8001);
    }
  }
}

/** A session of its own, whatever there was before: `facts` say what became of that. */
export function beginSession(envelope: Envelope, inform: Inform, facts: readonly Fact[] = []): Step {
  const { namespace, headers } = envelope;
  const begun: CwmpSession = { ...newSession(), namespace, sessionTimeout: headers.sessionTimeout };
  const negotiated = negotiateVersion(envelope.version, headers.supportedCwmpVersions);
  if (!negotiated.ok) {
    const failed = failWithFault(begun, 'version-incompatible', { namespace, id: headers.id }, 8006);
    return { ...failed, facts: [...facts, ...failed.facts] };
  }
  const { version, useCwmpVersion } = negotiated;
  const state: SessionState = { kind: 'storing-inform', informId: headers.id, useCwmpVersion };
  return { session: { ...begun, state, version }, reply: { kind: 'store-inform', inform, version }, facts };
}

/** TR-069 3.7.1.5: the device forgets the Inform's events with InformResponse, so that waits for the runner. */
export function informDecided(
  session: CwmpSession,
  { informId: id, useCwmpVersion }: SessionState & { kind: 'storing-inform' },
  input: RunnerInput & { kind: 'inform-stored' | 'inform-refused' },
): Step {
  const { namespace } = session;
  if (input.kind === 'inform-stored') {
    const holding = input.holdRequests === true;
    const message = { method: 'InformResponse' } as const;
    return send(
      { ...session, state: { kind: 'cpe-requests' }, holding },
      { namespace, id, holdRequests: holding, useCwmpVersion, message },
    );
  }
  const { faultCode } = input;
  // TR-069 A.5.2: 8005 asks for the same request again, within the session; after any other fault the device ends it.
  if (faultCode === 8005) return send(newSession(), { namespace, id, message: { method: 'Fault', faultCode } });
  return failWithFault(session, 'inform-refused', { namespace, id }, faultCode);
}
