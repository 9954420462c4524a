import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import type { AcsResponse } from '../../src/cwmp/cpe-methods.ts';
import { decodeEnvelope } from '../../src/cwmp/decode.ts';
import { encodeEnvelope } from '../../src/cwmp/encode.ts';
import { acsFaults } from '../../src/cwmp/faults.ts';
import type { CpeMessage } from '../../src/cwmp/messages.ts';
import { cwmpVersions } from '../../src/cwmp/versions.ts';
import { createFemtocell, deviceIdOf } from '../../src/simulator/femtocell.ts';
import { forcedInform } from '../../src/simulator/parameter-tree.ts';
import { answerRequest } from '../../src/simulator/rpc-answers.ts';
import { readAcsEnvelope } from '../../src/simulator/soap-reader.ts';
import { envelopeXml, faultXml, informXml, namespaces, transferCompleteXml } from '../../src/simulator/soap-writer.ts';

/** What the ACS reads of a body that the simulator wrote. */
function read(body: string, version: keyof typeof namespaces = '1.1'): CpeMessage {
  const decoded = decodeEnvelope(Buffer.from(envelopeXml({ version, id: 'x', body })));
  assert.ok(decoded.ok, JSON.stringify(decoded));
  assert.equal(decoded.envelope.headers.id, 'x');
  assert.equal(decoded.envelope.namespace, namespaces[version]);
  return decoded.envelope.body;
}

const awkward = 'a<b>&"c\' ü€ \u{1f4e1} ]]> &#65;';
const device = createFemtocell({
  url: 'https://localhost/cwmp',
  ca: '',
  deviceId: { ...deviceIdOf('00a0bc123456.hnb.acme.example', awkward), productClass: 'FAP' },
});

describe('the wire, read by two parsers', () => {
  for (const version of cwmpVersions)
    test(`the ACS reads every field of a CWMP ${version} Inform as the device meant it`, () => {
      const inform = {
        deviceId: device.options.deviceId,
        events: [
          { eventCode: '0 BOOTSTRAP', commandKey: '' },
          { eventCode: 'M Reboot', commandKey: awkward },
        ],
        currentTime: '0001-01-01T00:00:00Z',
        retryCount: 3,
        parameterList: forcedInform(device.state.tree),
      };
      const xml = envelopeXml({ version, id: awkward, body: informXml(inform), isInform: true });
      const decoded = decodeEnvelope(Buffer.from(xml));
      assert.ok(decoded.ok, JSON.stringify(decoded));
      assert.equal(decoded.envelope.headers.id, awkward);
      assert.equal(decoded.envelope.headers.sessionTimeout, version >= '1.3' ? 60 : undefined);
      assert.equal(decoded.envelope.headers.supportedCwmpVersions?.length, version === '1.4' ? 5 : undefined);
      const request = { method: 'Inform', maxEnvelopes: 1, ...inform };
      assert.deepEqual(JSON.parse(JSON.stringify(decoded.envelope.body)), { kind: 'request', request });
    });

  test('the ACS reads a TransferComplete', () => {
    const [startTime, completeTime] = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'];
    const sent = { commandKey: awkward, faultCode: 9010, faultString: awkward, startTime, completeTime };
    assert.deepEqual(read(transferCompleteXml(sent)), {
      kind: 'request',
      request: {
        method: 'TransferComplete',
        commandKey: awkward,
        faultStruct: { faultCode: 9010, faultString: awkward },
        startTime,
        completeTime,
      },
    });
  });

  test('the ACS reads a fault with its parameters', () => {
    const message = read(faultXml(9003, 'Invalid arguments', [{ name: 'Device.A', code: 9005, message: awkward }]));
    assert.deepEqual(message, {
      kind: 'fault',
      fault: {
        faultCode: 9003,
        faultString: 'Invalid arguments',
        setParameterValuesFaults: [{ parameterName: 'Device.A', faultCode: 9005, faultString: awkward }],
      },
    });
  });

  /** Puts a request of the ACS to the device, and reads the answer as the ACS does. */
  function ask(message: AcsRequest): CpeMessage {
    const encoded = encodeEnvelope({ namespace: namespaces['1.1'], id: '7', message });
    assert.ok(encoded.ok);
    const seen = readAcsEnvelope(encoded.xml);
    assert.ok(seen.ok && seen.envelope.body.kind === 'rpc', JSON.stringify(seen));
    assert.deepEqual([seen.envelope.id, seen.envelope.violations], ['7', []]);
    return read(answerRequest(device.state, seen.envelope.body.method, seen.envelope.body.element, new Date()));
  }

  test('the device understands GetParameterValues, the ACS its answer', () => {
    const answer = ask({ method: 'GetParameterValues', parameterNames: ['Device.DeviceInfo.'] });
    assert.ok(answer.kind === 'response' && answer.response.method === 'GetParameterValuesResponse');
    const manufacturer = answer.response.parameterList.find(({ name }) => name.endsWith('.Manufacturer'));
    assert.deepEqual({ ...manufacturer }, { name: 'Device.DeviceInfo.Manufacturer', value: awkward, type: 'string' });
  });

  test('the device understands GetRPCMethods, the ACS its answer', () => {
    const answer = ask({ method: 'GetRPCMethods' });
    assert.ok(answer.kind === 'response' && answer.response.method === 'GetRPCMethodsResponse');
    assert.ok(answer.response.methodList.includes('SetParameterValues'));
  });

  test('the ACS reads a refusal of a parameter it made up', () => {
    const answer = ask({ method: 'GetParameterValues', parameterNames: [awkward] });
    assert.equal(answer.kind === 'fault' ? answer.fault.faultCode : answer.kind, 9005);
  });

  for (const version of cwmpVersions)
    test(`a strict device finds nothing wrong with the ACS’s answers in CWMP ${version}`, () => {
      const responses: AcsResponse[] = [
        { method: 'InformResponse' },
        { method: 'TransferCompleteResponse' },
        { method: 'GetRPCMethodsResponse', methodList: ['Inform', awkward] },
      ];
      for (const message of responses) {
        const encoded = encodeEnvelope({ namespace: namespaces[version], id: awkward, holdRequests: true, message });
        assert.ok(encoded.ok);
        const seen = readAcsEnvelope(encoded.xml);
        assert.ok(seen.ok, JSON.stringify(seen));
        const { body, id, namespace, holdRequests, violations } = seen.envelope;
        assert.equal(body.kind === 'rpc' ? body.method : body.kind, message.method);
        assert.deepEqual([id, namespace, holdRequests, violations], [awkward, namespaces[version], true, []]);
      }
    });

  test('a strict device reads every fault the ACS has', () => {
    const codes = Object.keys(acsFaults).map(Number) as (keyof typeof acsFaults)[];
    for (const faultCode of codes) {
      const encoded = encodeEnvelope({
        namespace: namespaces['1.0'],
        id: '1',
        message: { method: 'Fault', faultCode },
      });
      assert.ok(encoded.ok);
      const seen = readAcsEnvelope(encoded.xml);
      assert.ok(seen.ok, JSON.stringify(seen));
      assert.deepEqual(seen.envelope.body, { kind: 'fault', code: faultCode, message: acsFaults[faultCode].text });
      assert.deepEqual([seen.envelope.namespace, seen.envelope.violations], [namespaces['1.0'], []]);
    }
  });
});
