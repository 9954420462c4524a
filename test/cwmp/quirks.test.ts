import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { decodeEnvelope } from '../../src/cwmp/decode.ts';
import { cpeResponses } from './every-message.ts';
import { envelopeXml, informXml, namespace, transferCompleteXml, valuesXml } from './wire.ts';

const inform = (change?: (xml: string) => string, more: { header?: string; namespace?: string } = {}): string =>
  envelopeXml({ body: informXml(change), ...more });
const values = (change: (xml: string) => string): string => envelopeXml({ body: change(valuesXml) });
const oui = '<OUI>00D09E</OUI>';
const serial = '<SerialNumber>000123</SerialNumber>';

/** One message for each row of docs/quirks.md. */
const samples: Readonly<Record<string, string | Buffer>> = {
  'arrayType missing': inform((xml) => xml.replaceAll(/ soapenc:arrayType="[^"]*"/g, '')),
  'arrayType with a wrong count': inform((xml) => xml.replaceAll(/\[2\]/g, '[7]')),
  'arrayType with a padded count': inform((xml) => xml.replaceAll(/\[2\]/g, '[0002]')),
  'Value without xsi:type': values((xml) => xml.replaceAll(/ xsi:type="[^"]*"/g, '')),
  'Value missing': values((xml) => xml.replace(/<Value xsi:type="xsd:string">1\.0<\/Value>/, '')),
  'no cwmp:ID': inform(undefined, { header: '' }),
  'white space around cwmp:ID': inform(undefined, { header: '<cwmp:ID soap:mustUnderstand="1">\n 17 </cwmp:ID>' }),
  'encodingStyle on the envelope': inform().replace(
    '<soap:Envelope ',
    '<soap:Envelope soap:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" ',
  ),
  'namespace cwmp-1-3': inform(undefined, { namespace: 'urn:dslforum-org:cwmp-1-3' }),
  'namespace cwmp-1-4': inform(undefined, { namespace: 'urn:dslforum-org:cwmp-1-4' }),
  "arguments qualified with CWMP's namespace": inform((xml) => xml.replaceAll(/<(\/?)(OUI|DeviceId)>/g, '<$1cwmp:$2>')),
  'a default namespace meant for the envelope': inform().replaceAll('soap:', '').replace('xmlns:soap=', 'xmlns='),
  'names in another case': inform((xml) => xml.replaceAll('DeviceId', 'DeviceID')),
  'OUI in lower case': inform((xml) => xml.replace(oui, '<OUI>00d09e</OUI>')),
  'arguments in another order': inform((xml) => xml.replace(oui, '').replace(serial, serial + oui)),
  'unknown arguments': inform((xml) => xml.replace(oui, `${oui}<X_Own><a><b/></a></X_Own>`)),
  'unknown headers': inform(undefined, { header: '<x:Trace xmlns:x="urn:x">1</x:Trace>' }),
  'NoMoreRequests header': inform(undefined, { header: '<cwmp:NoMoreRequests>0</cwmp:NoMoreRequests>' }),
  'white space before the XML declaration': `\r\n ${inform()}`,
  'white space around names and codes': inform((xml) => xml.replace('0 BOOTSTRAP', '\n0 BOOTSTRAP ')),
  'items named by their type': envelopeXml({
    body: `<cwmp:GetRPCMethodsResponse>${cpeResponses.GetRPCMethodsResponse.xml.replaceAll('string>', 'xsd:string>')}</cwmp:GetRPCMethodsResponse>`,
  }),
  'more than 64 events': inform((xml) => xml.replace(/<EventStruct>.*?<\/EventStruct>/, (one) => one.repeat(100))),
  'unknown event codes': inform((xml) => xml.replace('0 BOOTSTRAP', '99 SINGING')),
  'RetryCount empty': inform((xml) => xml.replace('<RetryCount>3<', '<RetryCount><')),
  'CurrentTime in the year 1': inform((xml) => xml.replace('2025-11-24T08:00:00Z', '0001-01-01T00:03:30Z')),
  'booleans in words': envelopeXml({
    body: `<cwmp:GetParameterNamesResponse>${cpeResponses.GetParameterNamesResponse.xml.replace('>false<', '>False<')}</cwmp:GetParameterNamesResponse>`,
  }),
  'Status missing in SetParameterValuesResponse': envelopeXml({ body: '<cwmp:SetParameterValuesResponse/>' }),
  'ISO-8859-1 as declared': Buffer.from(
    inform((xml) => xml.replace('Acme', 'Acmé')).replace('UTF-8', 'ISO-8859-1'),
    'latin1',
  ),
  'another charset that holds ASCII, of a message in ASCII': inform().replace('UTF-8', 'GB2312'),
  'another charset that holds ASCII, of a message beyond it': inform((xml) => xml.replace('Acme', '阿克米')).replace(
    'UTF-8',
    'GB2312',
  ),
  'NUL bytes, even behind the envelope': `${inform()}\r\n\0\0`,
  'two serial numbers': inform((xml) => xml.replace(serial, `${serial}<SerialNumber>000124</SerialNumber>`)),
  'two DeviceId elements': inform((xml) => xml.replace('<Event ', '<DeviceId><OUI>1</OUI></DeviceId><Event ')),
  'two bodies': inform().replace('</soap:Envelope>', '<soap:Body/></soap:Envelope>'),
  'two messages in a body': inform((xml) => xml + xml),
  'an element of a foreign namespace with the name of ours': inform((xml) =>
    xml.replace(serial, '<x:SerialNumber xmlns:x="urn:x">9</x:SerialNumber>'),
  ),
  'an unknown header that must be understood': inform(undefined, {
    header: '<x:Must xmlns:x="urn:x" soap:mustUnderstand="1">1</x:Must>',
  }),
  DOCTYPE: inform().replace('?>', '?><!DOCTYPE a>'),
  'processing instruction': inform((xml) => `<?x y?>${xml}`),
  'no namespace of CWMP': inform(undefined, { namespace: 'urn:dslforum-org:cwmp' }),
  'TransferComplete without its fault code': envelopeXml({
    body: transferCompleteXml.replace(/<FaultCode>\d*<\/FaultCode>/, ''),
  }),
  'SOAP 1.2': inform().replace('http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'),
};

const page = readFileSync(resolve(import.meta.dirname, '../../docs/quirks.md'), 'utf8');
const rows = [...page.matchAll(/^\| (.+?) \| (read|refused) \|$/gm)].map(([, name = '', verdict = '']) => ({
  name,
  verdict,
}));

describe('devices that break the rules', () => {
  test('every row of the page has a message, and every message a row', () => {
    assert.deepEqual(rows.map(({ name }) => name).sort(), Object.keys(samples).sort());
  });

  for (const { name, verdict } of rows)
    test(`${name}: ${verdict}`, () => {
      const sample = samples[name];
      assert.ok(sample !== undefined);
      const plain = [inform(), values((xml) => xml)];
      assert.ok(!plain.includes(String(sample)), `the message departs from ${namespace}`);
      const decoded = decodeEnvelope(Buffer.from(sample));
      assert.equal(decoded.ok ? 'read' : 'refused', verdict, decoded.ok ? '' : decoded.error.message);
    });
});
