import assert from 'node:assert/strict';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import { type CwmpSession, type Input, newSession, type Reply, type Step } from '../../src/cwmp/session.ts';
import { step } from '../../src/cwmp/step.ts';
import { informXml, read, refusal, type Wire } from './wire.ts';

/* What a device or the runner says to the state machine, and what stands where so far. */

export const envelope = (wire: Wire): Input => ({ kind: 'envelope', envelope: read(wire) });
export const unreadable = (wire: Wire | string): Input => ({ kind: 'unreadable', error: refusal(wire) });
export const inform = envelope({ body: informXml() });
export const empty: Input = { kind: 'empty' };
export const getValues: AcsRequest = { method: 'GetParameterValues', parameterNames: ['Device.'] };
export const ask: Input = { kind: 'acs-request', request: getValues, task: 'task 1' };

/** The last step of several; the session goes through JSON between them, as it would from node to node. */
export function after(...inputs: readonly Input[]): Step {
  let last: Step = { session: newSession(), reply: { kind: 'end' }, facts: [] };
  for (const input of inputs) last = step(JSON.parse(JSON.stringify(last.session)) as CwmpSession, input);
  return last;
}

export const begun = [inform, { kind: 'inform-stored' }] as const;
export const acsTurn = [...begun, empty] as const;
export const asked = [...acsTurn, ask] as const;

export function xmlOf(reply: Reply): string {
  assert.equal(reply.kind, 'envelope', JSON.stringify(reply));
  return reply.xml;
}

export function assertFault({ reply }: Step, code: number, id = '17'): void {
  const xml = reply.kind === 'refuse' ? (reply.faultXml ?? '') : xmlOf(reply);
  assert.ok(xml.includes(`<FaultCode>${code}</FaultCode>`), xml);
  assert.ok(xml.includes(`>${id}</cwmp:ID>`), xml);
}
