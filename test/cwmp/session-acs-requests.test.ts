import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import type { Input } from '../../src/cwmp/session.ts';
import { step } from '../../src/cwmp/step.ts';
import {
  acsTurn,
  after,
  ask,
  asked,
  begun,
  empty,
  envelope,
  getValues,
  inform,
  unreadable,
  xmlOf,
} from './session-steps.ts';
import { faultXml, idHeader, methodsXml, transferCompleteXml, valuesXml } from './wire.ts';

describe('requests of the ACS', () => {
  const answer = (body: string, id = 'acs-1'): Input => envelope({ body, header: idHeader(id) });

  test('the answer is a fact with its task, and the ACS has its turn again', () => {
    const sent = after(...asked);
    assert.match(xmlOf(sent.reply), /<cwmp:GetParameterValues><ParameterNames soap-enc:arrayType="xsd:string\[1\]">/);
    assert.match(xmlOf(sent.reply), />acs-1<\/cwmp:ID>/);
    const last = after(...asked, answer(valuesXml));
    assert.deepEqual(last.reply, { kind: 'acs-turn' });
    const [fact] = last.facts;
    assert.ok(fact?.kind === 'answer' && fact.answer.kind === 'response');
    assert.equal(fact.task, 'task 1');
    assert.deepEqual(fact.request, getValues);
    assert.ok(fact.answer.response.method === 'GetParameterValuesResponse');
    assert.equal(fact.answer.response.parameterList.length, 2);
    assert.deepEqual(after(...asked, answer(valuesXml), { kind: 'no-acs-request' }).reply, { kind: 'end' });
  });

  test('each has an ID of its own', () => {
    const second = after(...asked, answer(valuesXml), { kind: 'acs-request', request: { method: 'GetRPCMethods' } });
    assert.match(xmlOf(second.reply), />acs-2<\/cwmp:ID>/);
    assert.equal(second.session.acsRequests, 2);
  });

  test("a device's fault is an answer, and does not end the session", () => {
    const last = after(...asked, answer(faultXml));
    assert.deepEqual(last.reply, { kind: 'acs-turn' });
    const [fact] = last.facts;
    assert.ok(fact?.kind === 'answer' && fact.answer.kind === 'fault');
    assert.equal(fact.answer.fault.faultCode, 9003);
  });

  test('an answer without ID, or with one of its own, is believed by its method', () => {
    for (const wire of [
      { body: valuesXml, header: '' },
      { body: valuesXml, header: idHeader('17') },
    ]) {
      const [fact] = after(...asked, envelope(wire)).facts;
      assert.ok(fact?.kind === 'answer' && fact.answer.kind === 'response');
    }
  });

  test('an answer that comes again gets the same request again, for the first time it was lost', () => {
    const second = [...asked, answer(valuesXml), ask] as const;
    const again = after(...second, answer(valuesXml));
    assert.equal(xmlOf(again.reply), xmlOf(after(...second).reply));
    assert.deepEqual(again.facts, []);
    assert.deepEqual(after(...second, answer(valuesXml), answer(valuesXml, 'acs-2')).reply, { kind: 'acs-turn' });
  });

  test('a request that was kept without its secrets is not said again: its outcome is open, and the task is asked', () => {
    const { session } = after(...asked, answer(valuesXml), ask);
    assert.ok(session.state.kind === 'wait-answer');
    const outstanding = { ...session.state.outstanding, withheld: true };
    const kept = step({ ...session, state: { kind: 'wait-answer', outstanding } }, answer(valuesXml));
    assert.deepEqual(kept.reply, { kind: 'acs-turn' });
    const { request, task } = outstanding;
    assert.deepEqual(kept.facts, [{ kind: 'answer', request, task, answer: { kind: 'none' } }]);
  });

  test('an answer to something else leaves the outcome open, and ends the session', () => {
    for (const wrong of [
      answer(valuesXml, 'acs-9'),
      answer(methodsXml),
      answer('<cwmp:RebootResponse/>'),
      answer(faultXml, 'acs-9'),
    ]) {
      const last = after(...asked, wrong);
      assert.deepEqual(last.reply, { kind: 'refuse', httpStatus: 400 });
      assert.deepEqual(last.facts, [
        { kind: 'answer', request: getValues, task: 'task 1', answer: { kind: 'none' } },
        { kind: 'failed', reason: 'unexpected-response' },
      ]);
    }
  });

  test('an answer that cannot be read leaves the outcome open; the session goes on if it was an answer', () => {
    const wrong = unreadable({ body: valuesXml.replaceAll('Name>', 'X>') });
    const last = after(...asked, wrong);
    assert.deepEqual(last.reply, { kind: 'acs-turn' });
    const [fact] = last.facts;
    assert.ok(fact?.kind === 'answer' && fact.answer.kind === 'unreadable');
    const cut = after(...asked, unreadable('<'));
    assert.deepEqual(cut.reply, { kind: 'refuse', httpStatus: 400 });
    assert.deepEqual(cut.facts, [
      { kind: 'answer', request: getValues, task: 'task 1', answer: { kind: 'none' } },
      { kind: 'failed', reason: 'unreadable' },
    ]);
  });

  test('an empty POST instead of an answer leaves the outcome open, and the ACS goes on', () => {
    const last = after(...asked, empty);
    assert.deepEqual(last.reply, { kind: 'acs-turn' });
    assert.deepEqual(last.facts, [{ kind: 'answer', request: getValues, task: 'task 1', answer: { kind: 'none' } }]);
  });

  test('a request instead of an answer is served, and the answer still awaited', () => {
    const last = after(...asked, envelope({ body: transferCompleteXml }));
    assert.match(xmlOf(last.reply), /TransferCompleteResponse/);
    assert.equal(last.session.state.kind, 'wait-answer');
    assert.equal(after(...asked, envelope({ body: transferCompleteXml }), answer(valuesXml)).facts[0]?.kind, 'answer');
  });

  test('an Inform instead of an answer leaves the outcome open, and begins anew', () => {
    const last = after(...asked, inform);
    assert.equal(last.reply.kind, 'store-inform');
    assert.deepEqual(
      last.facts.map(({ kind }) => kind),
      ['answer', 'restarted'],
    );
    assert.equal(last.session.acsRequests, 0);
  });

  test('a response that nobody asked for is refused', () => {
    for (const body of [valuesXml, faultXml]) {
      const last = after(...begun, envelope({ body }));
      assert.deepEqual(last.reply, { kind: 'refuse', httpStatus: 400 });
      assert.deepEqual(last.facts, [{ kind: 'failed', reason: 'unexpected-response' }]);
    }
    const last = after(...begun, unreadable({ body: valuesXml.replaceAll('Name>', 'X>') }));
    assert.deepEqual(last.facts, [{ kind: 'failed', reason: 'unexpected-response' }]);
  });

  test('one that XML cannot carry is not sent, and the ACS may ask for something else', () => {
    const bad: AcsRequest = { method: 'GetParameterValues', parameterNames: ['Device.\u0000'] };
    const last = after(...acsTurn, { kind: 'acs-request', request: bad, task: 'task 2' });
    assert.deepEqual(last.reply, { kind: 'acs-turn' });
    const [fact] = last.facts;
    assert.ok(fact?.kind === 'answer' && fact.answer.kind === 'not-sent');
    assert.equal(fact.task, 'task 2');
    assert.equal(last.session.acsRequests, 0);
  });
});

describe('HoldRequests', () => {
  const held = [inform, { kind: 'inform-stored', holdRequests: true }] as const;
  const answer = envelope({ body: valuesXml, header: idHeader('acs-1') });

  test('is sent with InformResponse, and an empty POST then does not end the requests of the device', () => {
    assert.match(xmlOf(after(...held).reply), /<cwmp:HoldRequests soap-env:mustUnderstand="1">1</);
    const turn = after(...held, empty);
    assert.deepEqual(turn.reply, { kind: 'acs-turn' });
    assert.equal(turn.session.cpeDone, false);
  });

  test('is lifted by the next request without it; then the device may speak before the end', () => {
    assert.ok(!xmlOf(after(...held, empty, ask).reply).includes('HoldRequests'));
    const pause = [...held, empty, ask, answer, { kind: 'no-acs-request' }] as const;
    assert.deepEqual(after(...pause).reply, { kind: 'pause' });
    const transferComplete = envelope({ body: transferCompleteXml });
    assert.match(xmlOf(after(...pause, transferComplete).reply), /TransferCompleteResponse/);
    assert.deepEqual(after(...pause, transferComplete, empty, { kind: 'no-acs-request' }).reply, { kind: 'end' });
  });

  test('is lifted by a harmless request if the ACS has none of its own', () => {
    const lifted = [...held, empty, { kind: 'no-acs-request' }] as const;
    const { reply, session } = after(...lifted);
    assert.match(xmlOf(reply), /<cwmp:GetRPCMethods\/>/);
    assert.ok(!xmlOf(reply).includes('HoldRequests'));
    assert.equal(session.holding, false);
    const methods = envelope({ body: methodsXml, header: idHeader('acs-1') });
    assert.deepEqual(after(...lifted, methods, { kind: 'no-acs-request' }).reply, { kind: 'pause' });
  });

  test('may be kept up from request to request', () => {
    const { reply, session } = after(...held, empty, { ...ask, holdRequests: true } as Input);
    assert.match(xmlOf(reply), /HoldRequests/);
    assert.equal(session.holding, true);
  });
});
