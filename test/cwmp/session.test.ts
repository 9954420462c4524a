import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import { decodeEnvelope } from '../../src/cwmp/decode.ts';
import {
  type CwmpSession,
  type DeviceInput,
  type Input,
  newSession,
  type Reply,
  type Step,
} from '../../src/cwmp/session.ts';
import { step } from '../../src/cwmp/step.ts';
import {
  envelopeXml,
  faultXml,
  getRpcMethodsXml,
  idHeader,
  informXml,
  methodsXml,
  read,
  refusal,
  transferCompleteXml,
  valuesXml,
  type Wire,
} from './wire.ts';

const envelope = (wire: Wire): Input => ({ kind: 'envelope', envelope: read(wire) });
const unreadable = (wire: Wire | string): Input => ({ kind: 'unreadable', error: refusal(wire) });
const inform = envelope({ body: informXml() });
const empty: Input = { kind: 'empty' };
const getValues: AcsRequest = { method: 'GetParameterValues', parameterNames: ['Device.'] };
const ask: Input = { kind: 'acs-request', request: getValues, task: 'task 1' };

/** The last step of several; the session goes through JSON between them, as it would from node to node. */
function after(...inputs: readonly Input[]): Step {
  let last: Step = { session: newSession(), reply: { kind: 'end' }, facts: [] };
  for (const input of inputs) last = step(JSON.parse(JSON.stringify(last.session)) as CwmpSession, input);
  return last;
}

const begun = [inform, { kind: 'inform-stored' }] as const;
const acsTurn = [...begun, empty] as const;
const asked = [...acsTurn, ask] as const;

function xmlOf(reply: Reply): string {
  assert.equal(reply.kind, 'envelope', JSON.stringify(reply));
  return reply.xml;
}

function assertFault({ reply }: Step, code: number, id = '17'): void {
  const xml = reply.kind === 'refuse' ? (reply.faultXml ?? '') : xmlOf(reply);
  assert.ok(xml.includes(`<FaultCode>${code}</FaultCode>`), xml);
  assert.ok(xml.includes(`>${id}</cwmp:ID>`), xml);
}

describe('an idle session', () => {
  test('stores the Inform before InformResponse, hears an empty POST, and ends', () => {
    const first = after(inform);
    assert.ok(first.reply.kind === 'store-inform');
    assert.equal(first.reply.inform.deviceId.serialNumber, '000123');
    assert.equal(first.reply.version, '1.1');
    const stored = after(...begun);
    assert.match(xmlOf(stored.reply), /<cwmp:InformResponse><MaxEnvelopes>1</);
    assert.match(xmlOf(stored.reply), /<cwmp:ID soap-env:mustUnderstand="1">17</);
    assert.deepEqual(after(...acsTurn).reply, { kind: 'acs-turn' });
    const last = after(...acsTurn, { kind: 'no-acs-request' });
    assert.deepEqual(last.reply, { kind: 'end' });
    assert.equal(last.session.state.kind, 'ended');
    assert.deepEqual([...first.facts, ...stored.facts, ...last.facts], []);
  });

  test('answers without ID where there was none', () => {
    const { reply } = after(envelope({ body: informXml(), header: '' }), { kind: 'inform-stored' });
    assert.ok(!xmlOf(reply).includes('Header'));
  });

  test('an empty POST before the Inform is answered with an empty answer', () => {
    assert.deepEqual(after(empty).reply, { kind: 'end' });
    assert.deepEqual(after(empty).facts, []);
  });

  test('the same connection may begin another session after the end', () => {
    assert.equal(after(...acsTurn, { kind: 'no-acs-request' }, inform).reply.kind, 'store-inform');
    assert.deepEqual(after(...acsTurn, { kind: 'no-acs-request' }, empty).reply, { kind: 'end' });
  });
});

describe('a session that does not begin with an Inform', () => {
  test('a request is answered with fault 8001, and that is the end', () => {
    const last = after(envelope({ body: getRpcMethodsXml }));
    assertFault(last, 8001);
    assert.ok(last.reply.kind === 'refuse' && last.reply.httpStatus === 200);
    assert.deepEqual(last.facts, [{ kind: 'failed', reason: 'first-message-not-inform' }]);
  });

  test('a response or a fault is refused by HTTP', () => {
    for (const body of [valuesXml, faultXml])
      assert.deepEqual(after(envelope({ body })).reply, { kind: 'refuse', httpStatus: 400 });
  });

  test('an Inform with invalid arguments is answered with fault 8003, one beyond the limits with 8004', () => {
    const twice = informXml((xml) => xml.replace('<OUI>', '<OUI>00D09E</OUI><OUI>'));
    assertFault(after(unreadable({ body: twice })), 8003);
    const long = informXml((xml) => xml.replace('000123', '1'.repeat(65_536)));
    const last = after(unreadable({ body: long }));
    assertFault(last, 8004);
    assert.equal(last.session.state.kind, 'ended');
    assert.deepEqual(last.facts, [{ kind: 'failed', reason: 'unreadable' }]);
  });

  test('what is no SOAP is refused by HTTP', () => {
    assert.deepEqual(after(unreadable('GET /')).reply, { kind: 'refuse', httpStatus: 400 });
    const cut = envelopeXml({ body: informXml() }).slice(0, -20);
    assert.deepEqual(after(unreadable(cut)).reply, { kind: 'refuse', httpStatus: 400 });
  });
});

describe('an Inform that is refused', () => {
  test('gets the fault the runner chose, and the session is over', () => {
    const last = after(inform, { kind: 'inform-refused', faultCode: 8001 });
    assertFault(last, 8001);
    assert.ok(last.reply.kind === 'refuse' && last.reply.httpStatus === 200);
    assert.deepEqual(last.facts, [{ kind: 'failed', reason: 'inform-refused' }]);
  });

  test('with 8005 is to be sent again within the session', () => {
    const retry = [inform, { kind: 'inform-refused', faultCode: 8005 }] as const;
    assert.equal(after(...retry).reply.kind, 'envelope');
    assertFault(after(...retry), 8005);
    assert.match(xmlOf(after(...retry, ...begun).reply), /InformResponse/);
  });
});

describe('requests of the device', () => {
  test('GetRPCMethods is told what the ACS supports', () => {
    const { reply, session } = after(...begun, envelope({ body: getRpcMethodsXml, header: idHeader('x') }));
    assert.match(
      xmlOf(reply),
      /xsd:string\[6\]"><string>Inform<\/string><string>GetRPCMethods<\/string><string>Transfer/,
    );
    assert.match(xmlOf(reply), />x<\/cwmp:ID>/);
    assert.equal(session.state.kind, 'cpe-requests');
  });

  test('TransferComplete is a fact, and answered; again if it comes again', () => {
    const transferComplete = envelope({ body: transferCompleteXml });
    for (const last of [after(...begun, transferComplete), after(...begun, transferComplete, transferComplete)]) {
      assert.match(xmlOf(last.reply), /<cwmp:TransferCompleteResponse\/>/);
      const [fact] = last.facts;
      assert.ok(fact?.kind === 'transfer-complete');
      assert.equal(fact.transferComplete.commandKey, 'task 9');
      assert.deepEqual(fact.transferComplete.faultStruct, { faultCode: 9010, faultString: 'no such file' });
    }
  });

  test('anything else gets fault 8000, and the session goes on', () => {
    const last = after(...begun, envelope({ body: '<cwmp:X_00D09E_Hello/>' }));
    assertFault(last, 8000);
    assert.deepEqual(last.facts, [{ kind: 'request-refused', name: 'X_00D09E_Hello', faultCode: 8000 }]);
    assert.deepEqual(after(...begun, envelope({ body: '<cwmp:Kicked/>' }), empty).reply, { kind: 'acs-turn' });
  });

  test('invalid arguments get fault 8003, and the session goes on', () => {
    const last = after(...begun, unreadable({ body: transferCompleteXml.replace('9010', 'none') }));
    assertFault(last, 8003);
    assert.deepEqual(last.facts, [{ kind: 'request-refused', name: 'TransferComplete', faultCode: 8003 }]);
    assert.equal(last.session.state.kind, 'cpe-requests');
  });

  test('a header that must be understood and is not gets fault 8003', () => {
    const header = `${idHeader('17')}<x:Extra xmlns:x="x" soap:mustUnderstand="1"/>`;
    assertFault(after(...begun, unreadable({ header, body: getRpcMethodsXml })), 8003);
  });

  test('are answered in their own namespace', () => {
    const { reply } = after(...begun, envelope({ body: getRpcMethodsXml, namespace: 'urn:dslforum-org:cwmp-1-0' }));
    assert.match(xmlOf(reply), /xmlns:cwmp="urn:dslforum-org:cwmp-1-0"/);
  });

  test('a second Inform begins a new session in the place of the first', () => {
    const other = envelope({
      body: informXml((xml) => xml.replace('<RetryCount>3', '<RetryCount>4')),
      header: idHeader('18'),
    });
    const last = after(...begun, other);
    assert.ok(last.reply.kind === 'store-inform' && last.reply.inform.retryCount === 4);
    assert.deepEqual(last.facts, [{ kind: 'restarted' }]);
    assert.match(xmlOf(after(...begun, other, { kind: 'inform-stored' }).reply), />18<\/cwmp:ID>/);
  });
});

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

describe('messages out of turn end the session', () => {
  const outOfTurn = (...inputs: readonly Input[]): void => {
    const last = after(...inputs);
    assert.deepEqual(last.reply, { kind: 'refuse', httpStatus: 400 });
    assert.deepEqual(last.facts.at(-1), { kind: 'failed', reason: 'out-of-turn' });
    assert.equal(last.session.state.kind, 'ended');
  };

  test('a POST while the Inform is being stored, or the next task looked for', () => {
    for (const input of [inform, empty, unreadable('<')]) {
      outOfTurn(inform, input);
      outOfTurn(...acsTurn, input);
    }
  });

  test('a word of the runner that was not asked for', () => {
    const words: Input[] = [
      { kind: 'inform-stored' },
      { kind: 'inform-refused', faultCode: 8001 },
      ask,
      { kind: 'no-acs-request' },
    ];
    for (const word of words) {
      outOfTurn(word);
      outOfTurn(...begun, word);
      outOfTurn(...asked, word);
      outOfTurn(...acsTurn, { kind: 'no-acs-request' }, word);
    }
    outOfTurn(...acsTurn, { kind: 'inform-stored' });
    outOfTurn(inform, ask);
  });

  test('with a request of the ACS outstanding, its outcome is left open', () => {
    assert.deepEqual(
      after(...asked, ask).facts.map(({ kind }) => kind),
      ['answer', 'failed'],
    );
  });
});

test('a defect of the reader is answered with fault 8002', () => {
  const about = { kind: 'request', name: 'Inform', namespace: 'urn:dslforum-org:cwmp-1-0', id: '17' } as const;
  const input: DeviceInput = { kind: 'unreadable', error: { code: 'internal', message: 'x', about } };
  assertFault(after(input), 8002);
  assertFault(after(...begun, input), 8002);
});

test('a message too large is refused by HTTP', () => {
  const decoded = decodeEnvelope(Buffer.from(envelopeXml({ body: informXml() })), { limits: { bytes: 100 } });
  assert.ok(!decoded.ok);
  assert.deepEqual(after({ kind: 'unreadable', error: decoded.error }).reply, { kind: 'refuse', httpStatus: 400 });
});
