import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  deviceIdXml,
  envelopeXml,
  eventXml,
  faultXml,
  getRpcMethodsXml,
  idHeader,
  informXml,
  methodsXml,
  parameterListXml,
  read,
  readInform,
  readRequest,
  readResponse,
  transferCompleteXml,
  valuesXml,
} from './wire.ts';

const wholeInform = {
  method: 'Inform',
  deviceId: { manufacturer: 'Acme', oui: '00D09E', productClass: 'Femto', serialNumber: '000123' },
  events: [
    { eventCode: '0 BOOTSTRAP', commandKey: '' },
    { eventCode: 'M Reboot', commandKey: 'task 7' },
  ],
  maxEnvelopes: 1,
  currentTime: '2025-11-24T08:00:00Z',
  retryCount: 3,
  parameterList: [
    { name: 'Device.DeviceInfo.SoftwareVersion', value: '1.0', type: 'string' },
    { name: 'Device.X', value: '7', type: 'unsignedInt' },
  ],
};

/** An Inform with one thing changed; the change must really have been made. */
function changed(from: string | RegExp, to: string) {
  return {
    body: informXml((xml) => {
      const result = xml.replace(from, to);
      assert.notEqual(result, xml);
      return result;
    }),
  };
}

describe('a message of the schema', () => {
  test('Inform is read whole', () => {
    const envelope = read({ body: informXml() });
    assert.deepEqual(envelope.body, { kind: 'request', request: wholeInform });
    assert.equal(envelope.headers.id, '17');
    assert.equal(envelope.namespace, 'urn:dslforum-org:cwmp-1-1');
    assert.equal(envelope.version, '1.1');
  });

  test('TransferComplete is read whole', () => {
    assert.deepEqual(readRequest({ body: transferCompleteXml }), {
      method: 'TransferComplete',
      commandKey: 'task 9',
      faultStruct: { faultCode: 9010, faultString: 'no such file' },
      startTime: '2025-11-24T08:00:00Z',
      completeTime: '2025-11-24T08:01:00Z',
    });
  });

  test('GetRPCMethods has no arguments', () => {
    assert.deepEqual(readRequest({ body: getRpcMethodsXml }), { method: 'GetRPCMethods' });
  });

  test('any other request is known by its name', () => {
    const request = '<cwmp:X_00D09E_Ask><FileType>1 Firmware Upgrade Image</FileType></cwmp:X_00D09E_Ask>';
    assert.deepEqual(readRequest({ body: request }), { method: 'unsupported', name: 'X_00D09E_Ask' });
    assert.deepEqual(readRequest({ body: '<cwmp:X_00D09E_Hello/>' }), {
      method: 'unsupported',
      name: 'X_00D09E_Hello',
    });
  });

  test('GetParameterValuesResponse and GetRPCMethodsResponse are read whole', () => {
    assert.deepEqual(readResponse({ body: valuesXml }), {
      method: 'GetParameterValuesResponse',
      parameterList: wholeInform.parameterList,
    });
    assert.deepEqual(readResponse({ body: methodsXml }), {
      method: 'GetRPCMethodsResponse',
      methodList: ['GetRPCMethods', 'Reboot'],
    });
  });

  test('any other response is known by its name', () => {
    const response = '<cwmp:X_00D09E_HelloResponse/>';
    assert.deepEqual(readResponse({ body: response }), { method: 'unsupported', name: 'X_00D09E_HelloResponse' });
  });

  test('a fault is read from the detail, with the faults of single parameters', () => {
    const { body, namespace } = read({ body: faultXml });
    assert.deepEqual(body, {
      kind: 'fault',
      fault: {
        faultCode: 9003,
        faultString: 'Invalid arguments',
        setParameterValuesFaults: [{ parameterName: 'Device.X', faultCode: 9007, faultString: 'Invalid value' }],
      },
    });
    assert.equal(namespace, 'urn:dslforum-org:cwmp-1-1');
  });

  test('the headers of a CPE are read, those of an ACS and of 2004 are passed over', () => {
    const header = [
      idHeader(' a&amp;b '),
      '<cwmp:SessionTimeout soap:mustUnderstand="0">60</cwmp:SessionTimeout>',
      '<cwmp:SupportedCWMPVersions soap:mustUnderstand="0">1.0, 1.1,1.4</cwmp:SupportedCWMPVersions>',
      '<cwmp:HoldRequests soap:mustUnderstand="1">1</cwmp:HoldRequests>',
      '<cwmp:UseCWMPVersion soap:mustUnderstand="1">1.0</cwmp:UseCWMPVersion>',
      '<cwmp:NoMoreRequests>1</cwmp:NoMoreRequests>',
    ].join('');
    assert.deepEqual(read({ header, body: informXml() }).headers, {
      id: ' a&b ',
      sessionTimeout: 60,
      supportedCwmpVersions: ['1.0', '1.1', '1.4'],
    });
  });

  test('text of more than one piece is one text: entities, CDATA, comments and a long document', () => {
    const value = `${'x'.repeat(100_000)}é€😀`;
    const body = changed('>1.0<', `>a&amp;b<![CDATA[<c>]]>d<!-- no -->&#101;&#x1F600;${value}<`);
    assert.equal(readInform(body).parameterList[0]?.value, `a&b<c>de😀${value}`);
  });
});

describe('what real devices do to a message is tolerated', () => {
  const same = (wire: Parameters<typeof read>[0]): void => {
    assert.deepEqual(readInform(wire), wholeInform);
  };

  test('any prefixes', () => {
    same(envelopeXml({ body: informXml() }).replaceAll('soap:', 'S.-1:').replace('xmlns:soap=', 'xmlns:S.-1='));
    same(envelopeXml({ body: informXml() }).replaceAll('cwmp:', 'q:').replace('xmlns:cwmp=', 'xmlns:q='));
  });

  test('no prefix at all for CWMP, so that the arguments are qualified too', () => {
    same({
      body: informXml((xml) =>
        xml.replaceAll('cwmp:Inform', 'Inform').replace('<Inform', '<Inform xmlns="urn:dslforum-org:cwmp-1-1"'),
      ),
    });
  });

  test('qualified arguments', () => {
    same({ body: informXml((xml) => xml.replace(/<(\/?)([A-Z])/g, '<$1cwmp:$2')) });
  });

  test("a default namespace that was meant for SOAP's elements alone", () => {
    const xml = envelopeXml({ body: informXml() }).replaceAll('soap:', '').replace('xmlns:soap=', 'xmlns=');
    same(xml.replace(' mustUnderstand="1"', ''));
  });

  test('no header, no cwmp:ID, an unqualified ID', () => {
    same({ body: informXml(), header: '' });
    assert.equal(read({ body: informXml(), header: '' }).headers.id, undefined);
    assert.equal(
      read({ body: informXml(), header: '<cwmp:NoMoreRequests>0</cwmp:NoMoreRequests>' }).headers.id,
      undefined,
    );
    assert.equal(read({ body: informXml(), header: '<ID>3</ID>' }).headers.id, '3');
  });

  test('wrong, padded and missing array counts', () => {
    same(changed('EventStruct[2]', 'EventStruct[64]'));
    same(changed('EventStruct[2]', 'EventStruct[02 ]'));
    same({ body: informXml((xml) => xml.replace(/ soapenc:arrayType="[^"]*"/g, '')) });
  });

  test('items of an array that bear the name of their type', () => {
    const body = methodsXml.replaceAll('<string>', '<xsd:string>').replaceAll('</string>', '</xsd:string>');
    const response = readResponse({ body });
    assert.ok(response.method === 'GetRPCMethodsResponse');
    assert.deepEqual(response.methodList, ['GetRPCMethods', 'Reboot']);
  });

  test('a missing xsi:type, and one without a prefix', () => {
    const [first] = readInform(changed(' xsi:type="xsd:string"', '')).parameterList;
    assert.deepEqual(first, { name: 'Device.DeviceInfo.SoftwareVersion', value: '1.0', type: undefined });
    assert.equal(readInform(changed('xsd:string', 'string')).parameterList[0]?.type, 'string');
  });

  test('a parameter without Value is empty', () => {
    const inform = readInform(changed('<Value xsi:type="xsd:string">1.0</Value>', ''));
    assert.equal(inform.parameterList[0]?.value, '');
  });

  test('names in another case', () => {
    same({
      body: informXml((xml) => xml.replaceAll('DeviceId>', 'DeviceID>').replaceAll('SerialNumber>', 'Serialnumber>')),
    });
  });

  test('a lower-case OUI is carried as sent', () => {
    assert.equal(readInform(changed('00D09E', '00d09e')).deviceId.oui, '00d09e');
  });

  test('unknown event codes, and an Inform without events', () => {
    assert.equal(readInform(changed('0 BOOTSTRAP', '14 HEARTBEAT')).events[0]?.eventCode, '14 HEARTBEAT');
    assert.equal(readInform(changed('0 BOOTSTRAP', 'X 00D09E Hello')).events[0]?.eventCode, 'X 00D09E Hello');
    assert.deepEqual(readInform(changed(eventXml, '')).events, []);
    assert.equal(readInform(changed('<EventCode>0 BOOTSTRAP</EventCode>', '')).events[0]?.eventCode, '');
  });

  test('a clock that does not know the time or is years off', () => {
    for (const time of [
      '0001-01-01T00:00:00Z',
      '0001-01-01T03:30:00Z',
      '1970-01-01T00:00:12+01:00',
      '2038-01-19T03:14:07',
      '',
    ])
      assert.equal(readInform(changed('2025-11-24T08:00:00Z', time)).currentTime, time);
  });

  test('elements on lines of their own, in another order, empty, or unknown', () => {
    same({
      body: informXml((xml) =>
        xml.replace(/>(?=[^<]|<)/g, '>\r\n\t ').replace(/>\r\n\t (1\.0|7)<\/Value/g, '>$1</Value'),
      ),
    });
    same({
      body: informXml((xml) => xml.replace(deviceIdXml, '').replace('</cwmp:Inform>', `${deviceIdXml}</cwmp:Inform>`)),
    });
    same(
      changed(
        '<MaxEnvelopes>1</MaxEnvelopes>',
        '<MaxEnvelopes/><X_Vendor a="b"><SerialNumber>9</SerialNumber>text</X_Vendor>',
      ),
    );
    assert.equal(readInform(changed('<RetryCount>3</RetryCount>', '')).retryCount, 0);
  });

  test('white space and the value of a string are kept apart', () => {
    assert.equal(readInform(changed('>1.0<', '>\n 1.0 <')).parameterList[0]?.value, '\n 1.0 ');
    assert.equal(readInform(changed('>Device.X<', '>\n Device.X <')).parameterList[1]?.name, 'Device.X');
  });

  test('an encodingStyle on the envelope, attributes and elements of others around the body', () => {
    const xml = envelopeXml({ body: informXml() });
    same(
      xml.replace('<soap:Envelope ', '<soap:Envelope soap:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" '),
    );
    same(
      xml
        .replace('<soap:Body>', '<soap:Body id="a">')
        .replace('</soap:Body>', '</soap:Body><o:x xmlns:o="o"><o:Inform/></o:x>'),
    );
    same({ body: informXml(), header: '<w:Security xmlns:w="urn:w"><w:ID/></w:Security>' });
  });

  test('white space before the XML declaration, none at all, a byte order mark, a declaration of XML 1.1', () => {
    const xml = envelopeXml({ body: informXml() });
    same(`\r\n ${xml}`);
    same(xml.slice(xml.indexOf('\n') + 1));
    same(`\ufeff${xml}`);
    same(xml.replace('version="1.0"', 'version="1.1"'));
  });

  test('a SessionTimeout that is no number is passed over', () => {
    assert.equal(
      read({ body: informXml(), header: '<cwmp:SessionTimeout>soon</cwmp:SessionTimeout>' }).headers.sessionTimeout,
      undefined,
    );
  });

  test('a fault whose parts are qualified', () => {
    const body = faultXml.replace(/<(\/?)(faultcode|faultstring|detail)/g, '<$1soap:$2');
    assert.deepEqual(read({ body }).body, read({ body: faultXml }).body);
  });
});

describe('charsets', () => {
  const xml = envelopeXml({ body: changed('Acme', 'Müller').body });
  const manufacturer = (bytes: Uint8Array, charset?: string) => readInform(bytes, { charset }).deviceId.manufacturer;

  test('UTF-8 where nothing is declared', () => {
    assert.equal(manufacturer(Buffer.from(xml.replace(' encoding="UTF-8"', ''))), 'Müller');
  });

  test('ISO-8859-1 by the XML declaration or by Content-Type, which wins', () => {
    const declared = xml.replace('UTF-8', 'ISO-8859-1');
    assert.equal(manufacturer(Buffer.from(declared, 'latin1')), 'Müller');
    assert.equal(manufacturer(Buffer.from(xml, 'latin1'), 'iso-8859-1'), 'Müller');
    assert.equal(manufacturer(Buffer.from(declared), 'UTF-8'), 'Müller');
  });

  test('ISO-8859-1 is not windows-1252', () => {
    const bytes = Buffer.from(xml.replace('UTF-8', 'ISO-8859-1').replace('ü', '\u0085'), 'latin1');
    assert.equal(manufacturer(bytes), 'M\u0085ller');
  });

  test('US-ASCII with character references', () => {
    const ascii = xml.replace('UTF-8', 'us-ascii').replace('ü', '&#252;');
    assert.equal(manufacturer(Buffer.from(ascii)), 'Müller');
  });

  test('a character is not cut where a piece of the document ends', () => {
    for (const padding of [0, 1, 2, 3]) {
      const value = 'x'.repeat(padding) + '€😀é'.repeat(20_000);
      assert.equal(readInform(changed('>1.0<', `>${value}<`)).parameterList[0]?.value, value);
    }
  });
});

test('what strangers write is carried as data', () => {
  const texts = ['\u009b', '\u202e\u2066\u200b', '&lt;script>alert(1)&lt;/script>', '=1+1', "'; drop table x"];
  for (const text of texts)
    assert.equal(readInform(changed('Acme', text)).deviceId.manufacturer, text.replaceAll('&lt;', '<'));
  const long = 'a'.repeat(65_536);
  assert.equal(readInform(changed('>1.0<', `>${long}<`)).parameterList[0]?.value, long);
  const names = ['__proto__', 'constructor', 'toString'];
  const body = informXml((xml) =>
    xml.replace(parameterListXml, `${parameterListXml}${names.map((name) => `<${name}>x</${name}>`).join('')}`),
  );
  assert.deepEqual(readInform({ body }), wholeInform);
});
