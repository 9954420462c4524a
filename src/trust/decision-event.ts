import type { AdmissionEvent } from '../platform/events.ts';
import { anchorOf, type Decision } from './decision.ts';

/** A decision as the event bus carries it. */
export function admissionEvent(decision: Decision): AdmissionEvent {
  const { facts, identity, leaf, deviceId } = decision;
  const refused = decision.outcome === 'refused' ? decision : undefined;
  const anchor = anchorOf(decision);
  return {
    kind: 'admission',
    id: decision.id,
    at: decision.at,
    outcome: decision.outcome,
    peer: decision.peer,
    listener: facts.listener,
    remoteAddress: facts.remoteAddress,
    remotePort: facts.remotePort,
    connectionId: facts.connectionId,
    ...(refused && { stage: refused.stage, reason: refused.reason, detail: refused.detail }),
    ...(facts.tlsVersion !== undefined && { tlsVersion: facts.tlsVersion }),
    ...(facts.cipherSuite !== undefined && { cipherSuite: facts.cipherSuite }),
    ...(facts.resumed !== undefined && { resumed: facts.resumed }),
    ...(identity && { identity: identity.value }),
    ...(anchor !== undefined && { anchor }),
    ...(deviceId !== undefined && { deviceId }),
    ...(leaf && { fingerprint: leaf.fingerprint }),
  };
}
