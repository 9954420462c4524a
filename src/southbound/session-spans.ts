import type { Answer } from '../cwmp/session.ts';
import { inSpan, type Span, startSpan, withinSpan } from '../platform/tracing.ts';
import type { SessionEnd } from './door-metrics.ts';
import { type Session, sessionIdOf } from './session-store.ts';

/** The span of a session lives as long as the session, over all its requests; that of an RPC until the device answers. */
const spans = new WeakMap<Session, { readonly session: Span; rpc: Span | undefined }>();

export function sessionBegan(session: Session): void {
  const attributes = {
    'hems.session.id': sessionIdOf(session),
    'hems.decision.id': session.admission.id,
    'hems.device.id': session.deviceId,
    'hems.listener': session.admission.handshake.listener,
  };
  spans.set(session, { session: startSpan('hems.session', attributes), rpc: undefined });
}

export function sessionEnded(session: Session, outcome: SessionEnd): void {
  const found = spans.get(session);
  spans.delete(session);
  found?.rpc?.end();
  found?.session.setAttribute('hems.session.outcome', outcome).end();
}

/** A request of ours leaves. */
export function requestSent(session: Session): void {
  const found = spans.get(session);
  const { state } = session.cwmp;
  if (found === undefined || state.kind !== 'wait-answer') return;
  const { request, task } = state.outstanding;
  const attributes = { 'hems.rpc.method': request.method, ...(task !== undefined && { 'hems.task.id': task }) };
  found.rpc = startSpan('hems.rpc', attributes, found.session);
}

export function requestAnswered(session: Session, answer: Answer): void {
  const found = spans.get(session);
  const fault = answer.kind === 'fault' ? { 'hems.rpc.fault_code': answer.fault.faultCode } : {};
  found?.rpc?.setAttributes({ 'hems.rpc.answer': answer.kind, ...fault }).end();
  if (found !== undefined) found.rpc = undefined;
}

/** Work for a session, below its span. */
export function inSession<T>(session: Session, name: string, work: () => Promise<T>): Promise<T> {
  return withinSpan(spans.get(session)?.session, () => inSpan(name, {}, work));
}
