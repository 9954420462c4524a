import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import type { AcsRequest } from '../../src/cwmp/acs-methods.ts';
import type { AcsResponse } from '../../src/cwmp/cpe-methods.ts';
import { encodeEnvelope, type OutgoingEnvelope } from '../../src/cwmp/encode.ts';
import { type AcsFaultCode, acsFaults } from '../../src/cwmp/faults.ts';

/* What hems writes is read here by another parser than hems reads with. */

const namespace = 'urn:dslforum-org:cwmp-1-1';
const parser = new XMLParser({
  ignoreAttributes: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  htmlEntities: true,
  isArray: (name) => name === 'string',
});

function write(message: AcsRequest | AcsResponse, more: Partial<OutgoingEnvelope> = {}): string {
  const encoded = encodeEnvelope({ namespace, id: '17', message, ...more });
  if (!encoded.ok) assert.fail(encoded.message);
  return encoded.xml;
}

const envelope = (xml: string) => parser.parse(xml)['soap-env:Envelope'];
const body = (xml: string) => envelope(xml)['soap-env:Body'];

test('the envelope binds the five namespaces, and CWMP to that of the device', () => {
  const xml = write({ method: 'InformResponse' }, { namespace: 'urn:dslforum-org:cwmp-1-4' });
  assert.match(xml, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<soap-env:Envelope /);
  const attributes = Object.entries(envelope(xml)).filter(([name]) => name.startsWith('@_'));
  assert.deepEqual(Object.fromEntries(attributes), {
    '@_xmlns:soap-env': 'http://schemas.xmlsoap.org/soap/envelope/',
    '@_xmlns:soap-enc': 'http://schemas.xmlsoap.org/soap/encoding/',
    '@_xmlns:xsd': 'http://www.w3.org/2001/XMLSchema',
    '@_xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
    '@_xmlns:cwmp': 'urn:dslforum-org:cwmp-1-4',
  });
});

describe('headers', () => {
  const headers = (more: Partial<OutgoingEnvelope>) =>
    envelope(write({ method: 'InformResponse' }, more))['soap-env:Header'];

  test('ID must be understood', () => {
    assert.deepEqual(headers({}), { 'cwmp:ID': { '#text': '17', '@_soap-env:mustUnderstand': '1' } });
  });

  test('HoldRequests and UseCWMPVersion must be too, and are there on demand only', () => {
    assert.deepEqual(headers({ id: undefined, holdRequests: true, useCwmpVersion: '1.4' }), {
      'cwmp:HoldRequests': { '#text': '1', '@_soap-env:mustUnderstand': '1' },
      'cwmp:UseCWMPVersion': { '#text': '1.4', '@_soap-env:mustUnderstand': '1' },
    });
  });

  test('there is no header for a request that had no ID', () => {
    assert.equal(headers({ id: undefined }), undefined);
  });

  test('an empty ID is an ID', () => {
    assert.deepEqual(headers({ id: '' }), { 'cwmp:ID': { '@_soap-env:mustUnderstand': '1' } });
  });
});

describe('messages have qualified names and unqualified arguments', () => {
  test('InformResponse', () => {
    assert.deepEqual(body(write({ method: 'InformResponse' })), { 'cwmp:InformResponse': { MaxEnvelopes: '1' } });
  });

  test('GetRPCMethodsResponse', () => {
    assert.deepEqual(
      body(write({ method: 'GetRPCMethodsResponse', methodList: ['Inform', 'GetRPCMethods', 'TransferComplete'] })),
      {
        'cwmp:GetRPCMethodsResponse': {
          MethodList: {
            string: ['Inform', 'GetRPCMethods', 'TransferComplete'],
            '@_soap-enc:arrayType': 'xsd:string[3]',
          },
        },
      },
    );
  });

  test('TransferCompleteResponse and GetRPCMethods', () => {
    assert.deepEqual(body(write({ method: 'TransferCompleteResponse' })), { 'cwmp:TransferCompleteResponse': '' });
    assert.deepEqual(body(write({ method: 'GetRPCMethods' })), { 'cwmp:GetRPCMethods': '' });
  });

  test('GetParameterValues', () => {
    const names = ['Device.', 'Device.Services.FAPService.1.FAPControl.LTE.OpState'];
    assert.deepEqual(body(write({ method: 'GetParameterValues', parameterNames: names })), {
      'cwmp:GetParameterValues': { ParameterNames: { string: names, '@_soap-enc:arrayType': 'xsd:string[2]' } },
    });
  });

  test("Fault, in SOAP's, which blames the right side", () => {
    const blamed = {
      8000: 'Server',
      8001: 'Server',
      8002: 'Server',
      8003: 'Client',
      8004: 'Server',
      8005: 'Server',
      8006: 'Server',
    };
    for (const code of Object.keys(acsFaults).map(Number) as AcsFaultCode[])
      assert.deepEqual(body(write({ method: 'Fault', faultCode: code })), {
        'soap-env:Fault': {
          faultcode: blamed[code],
          faultstring: 'CWMP fault',
          detail: { 'cwmp:Fault': { FaultCode: String(code), FaultString: acsFaults[code].text } },
        },
      });
  });
});

describe('text', () => {
  const written = (text: string) =>
    encodeEnvelope({ namespace, message: { method: 'GetParameterValues', parameterNames: [text] } });
  const carried = (text: string): string =>
    body(write({ method: 'GetParameterValues', parameterNames: [text] }))['cwmp:GetParameterValues'].ParameterNames
      .string[0];

  test('markup, line ends and any characters of XML arrive as they were', () => {
    for (const text of ['<a>&amp;]]>"\'', ' \t\n', '\r\n', '\u0085\u009b\u202e\u2028é€😀\ufffd', '&#13;'])
      assert.equal(carried(text), text);
  });

  test('nothing breaks out of the ID or the namespace', () => {
    const xml = write({ method: 'InformResponse' }, { id: '</cwmp:ID><x>', namespace: 'a"><x y="' });
    assert.equal(envelope(xml)['soap-env:Header']['cwmp:ID']['#text'], '</cwmp:ID><x>');
    assert.equal(envelope(xml)['@_xmlns:cwmp'], 'a"><x y="');
  });

  test('characters that XML cannot carry are refused, and named', () => {
    for (const [text, name] of [
      ['\u0000', 'U+0000'],
      ['a\u001b[2J', 'U+001B'],
      ['\ud800', 'U+D800'],
      ['\udc00x', 'U+DC00'],
      ['\uffff', 'U+FFFF'],
    ] as const) {
      const encoded = written(text);
      assert.ok(!encoded.ok);
      assert.ok(encoded.message.startsWith(name), encoded.message);
    }
  });
});
