import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeEnvelope } from '../../src/cwmp/decode.ts';
import type { DeviceInput, Input } from '../../src/cwmp/session.ts';
import {
  acsTurn,
  after,
  ask,
  asked,
  assertFault,
  begun,
  empty,
  envelope,
  inform,
  unreadable,
  xmlOf,
} from './session-steps.ts';
import {
  envelopeXml,
  faultXml,
  getRpcMethodsXml,
  idHeader,
  informXml,
  transferCompleteXml,
  valuesXml,
} from './wire.ts';

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
