import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeEnvelope } from '../../src/cwmp/decode.ts';
import { defaultReadLimits } from '../../src/cwmp/limits.ts';
import {
  deviceIdXml,
  envelopeXml,
  eventXml,
  faultXml,
  idHeader,
  informXml,
  parameterListXml,
  read,
  refusal,
  transferCompleteXml,
  valuesXml,
} from './wire.ts';

const inform = envelopeXml({ body: informXml() });

function changed(from: string | RegExp, to: string): string {
  const xml = inform.replace(from, to);
  assert.notEqual(xml, inform);
  return xml;
}

describe('XML that is not well-formed is refused', () => {
  const broken: Record<string, string> = {
    'no document': ' ',
    'not XML': 'GET / HTTP/1.1',
    'an unclosed element': inform.replace('</soap:Envelope>', ''),
    'crossed elements': changed('</EventCode>', '</CommandKey>'),
    'two roots': inform + inform.slice(inform.indexOf('\n') + 1),
    'text after the root': `${inform}x`,
    'a duplicate attribute': changed('soap:mustUnderstand="1"', 'soap:mustUnderstand="1" soap:mustUnderstand="1"'),
    'one attribute by two prefixes': changed(
      '<cwmp:ID ',
      '<cwmp:ID xmlns:s2="http://schemas.xmlsoap.org/soap/envelope/" s2:mustUnderstand="1" ',
    ),
    'an attribute without quotes': changed('mustUnderstand="1"', 'mustUnderstand=1'),
    'an unbound prefix': changed('<DeviceId>', '<x:DeviceId>'),
    'an undefined entity': changed('Acme', '&acme;'),
    'a bare ampersand': changed('Acme', 'A & B'),
    'raw NUL': changed('Acme', 'A\u0000'),
    'raw ESC': changed('Acme', 'A\u001b[2J'),
    'NUL by number': changed('Acme', '&#0;'),
    'ESC by number': changed('Acme', '&#27;'),
    'ESC by number in XML 1.1': changed('Acme', '&#27;').replace('version="1.0"', 'version="1.1"'),
    'half a surrogate pair by number': changed('Acme', '&#xD800;'),
    'a number beyond Unicode': changed('Acme', '&#x110000;'),
    'U+FFFE': changed('Acme', '\ufffe'),
    'an XML declaration in the middle': changed('<soap:Body>', '<?xml version="1.0"?><soap:Body>'),
    'a NUL after the end': `${inform}\u0000`,
  };
  for (const [name, xml] of Object.entries(broken))
    test(name, () => {
      assert.equal(refusal(xml).code, 'not-xml');
    });

  test('cut off at any place', () => {
    const bytes = Buffer.from(inform);
    for (let length = 0; length < bytes.length; length += 1) {
      const { code } = refusal(bytes.subarray(0, length));
      assert.ok(code === 'not-xml' || code === 'not-soap', `${code} at ${length}`);
    }
  });
});

describe('XML that SOAP forbids is refused', () => {
  test('a DOCTYPE, with and without entities', () => {
    const laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>';
    const outside = '<!DOCTYPE a SYSTEM "file:///etc/passwd">';
    for (const doctype of ['<!DOCTYPE a>', laughs, outside])
      assert.equal(refusal(changed('?>\n', `?>\n${doctype}`).replace('Acme', '&b;')).code, 'forbidden-xml');
  });

  test('a processing instruction, before or within the envelope', () => {
    assert.equal(refusal(changed('?>\n', '?>\n<?xml-stylesheet href="x"?>')).code, 'forbidden-xml');
    assert.equal(refusal(changed('<DeviceId>', '<?php x?><DeviceId>')).code, 'forbidden-xml');
  });
});

describe('charsets that do not fit are refused', () => {
  test('bytes that are not UTF-8', () => {
    for (const bad of ['ff', 'c0af', 'eda080', 'f8888080', 'e282']) {
      const [before, after] = inform.split('Acme') as [string, string];
      const bytes = Buffer.concat([Buffer.from(before), Buffer.from(bad, 'hex'), Buffer.from(after)]);
      assert.equal(refusal(bytes).code, 'encoding', bad);
    }
  });

  test('bytes that are not UTF-8 where a piece of the document ends', () => {
    const bytes = Buffer.concat([Buffer.from(inform.slice(0, 500)), Buffer.alloc(100_000, 0x80)]);
    assert.equal(refusal(bytes).code, 'encoding');
  });

  test('bytes beyond US-ASCII in a message of that name', () => {
    assert.equal(refusal(changed('UTF-8', 'US-ASCII').replace('Acme', 'Müller')).code, 'encoding');
  });

  test('charsets that are not spoken', () => {
    assert.equal(refusal(Buffer.from(`\ufeff${inform}`, 'utf16le')).code, 'encoding');
    assert.equal(refusal(changed('UTF-8', 'UTF-16')).code, 'encoding');
    assert.equal(refusal(changed('UTF-8', 'UTF-7')).code, 'encoding');
    assert.equal(refusal(inform, { charset: 'x\u001b]' }).code, 'encoding');
  });
});

describe('what is not one message in one SOAP 1.1 envelope is refused', () => {
  const cases: Record<string, [xml: string, code: string]> = {
    'another root': ['<html/>', 'not-soap'],
    'an envelope of SOAP 1.2': [
      inform.replaceAll('http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'),
      'not-soap',
    ],
    'an envelope of no namespace': ['<Envelope><Body/></Envelope>', 'not-soap'],
    'no body': [inform.replace(/<soap:Body>.*<\/soap:Body>/, ''), 'not-soap'],
    'an empty body': [envelopeXml({ body: '' }), 'not-soap'],
    'two bodies': [changed('<soap:Body>', '<soap:Body/><soap:Body>'), 'ambiguous'],
    'two headers': [changed('<soap:Header>', '<soap:Header/><soap:Header>'), 'ambiguous'],
    'a foreign body beside ours': [changed('<soap:Body>', '<x:Body xmlns:x="x"/><soap:Body>'), 'ambiguous'],
    'two messages': [envelopeXml({ body: informXml() + informXml() }), 'not-soap'],
    'a message and a fault': [envelopeXml({ body: informXml() + faultXml }), 'not-soap'],
    'a message of a foreign namespace': [
      envelopeXml({ body: informXml(), namespace: 'urn:example:cwmp-1-0', header: '' }),
      'not-cwmp',
    ],
    'a message of CWMP 2': [
      envelopeXml({ body: informXml(), namespace: 'urn:dslforum-org:cwmp-2-0', header: '' }),
      'not-cwmp',
    ],
    'a message of no namespace': [envelopeXml({ body: '<Inform/>' }), 'not-cwmp'],
    "a CWMP fault without SOAP's around it": [
      envelopeXml({ body: '<cwmp:Fault><FaultCode>9000</FaultCode></cwmp:Fault>' }),
      'not-soap',
    ],
  };
  for (const [name, [xml, code]] of Object.entries(cases))
    test(name, () => {
      assert.equal(refusal(xml).code, code);
    });
});

describe('what could be read in two ways is refused', () => {
  test('an element given twice, identity above all', () => {
    for (const element of [
      '<SerialNumber>1</SerialNumber>',
      '<SERIALNUMBER/>',
      '<OUI>00D09E</OUI>',
      '<Manufacturer/>',
      '<ProductClass/>',
    ])
      assert.equal(refusal(changed('<DeviceId>', `<DeviceId>${element}`)).code, 'ambiguous', element);
    for (const element of [deviceIdXml, eventXml, parameterListXml, '<RetryCount>0</RetryCount>'])
      assert.equal(refusal(changed('<DeviceId>', `${element}<DeviceId>`)).code, 'ambiguous', element);
    for (const element of ['<RetryCount/>', '<CurrentTime/>', '<Event/>'])
      assert.equal(refusal(changed('<DeviceId>', `${element}<DeviceId>`)).code, 'ambiguous', element);
    assert.equal(refusal({ header: idHeader('1') + idHeader('2'), body: informXml() }).code, 'ambiguous');
    assert.equal(refusal(changed('<Value', '<Value>x</Value><Value')).code, 'ambiguous');
  });

  test('an element of a foreign namespace that bears the name of ours, beside it or in its place', () => {
    const foreign = '<x:SerialNumber xmlns:x="urn:example">000999</x:SerialNumber>';
    assert.equal(refusal(changed('<DeviceId>', `<DeviceId>${foreign}`)).code, 'ambiguous');
    assert.equal(refusal(changed('<SerialNumber>000123</SerialNumber>', foreign)).code, 'ambiguous');
    assert.equal(refusal(changed('<SerialNumber>', '<SerialNumber xmlns="urn:example">')).code, 'ambiguous');
    assert.equal(refusal(changed(/<(\/?)SerialNumber>/g, '<$1soap:SerialNumber>')).code, 'ambiguous');
    assert.equal(refusal({ header: '<x:ID xmlns:x="x">1</x:ID>', body: informXml() }).code, 'ambiguous');
  });

  test('an element within the text of another', () => {
    assert.equal(refusal(changed('000123', '000<b/>123')).code, 'invalid-arguments');
    assert.equal(refusal(changed('000123', '000<SerialNumber>1</SerialNumber>')).code, 'invalid-arguments');
  });
});

describe('arguments that are missing or not of their type are refused', () => {
  const cases: Record<string, string> = {
    'an Inform without DeviceId': changed(deviceIdXml, ''),
    'a parameter without its name': changed('<Name>Device.X</Name>', ''),
    'a RetryCount that is no number': changed('<RetryCount>3', '<RetryCount>three'),
    'a RetryCount beyond 32 bits': changed('<RetryCount>3', '<RetryCount>4294967296'),
    'a RetryCount below zero': changed('<RetryCount>3', '<RetryCount>-1'),
    'a transfer that does not say how it went': envelopeXml({
      body: transferCompleteXml.replace('<FaultCode>9010</FaultCode>', ''),
    }),
    'a fault without detail': envelopeXml({ body: faultXml.replace(/<detail>.*<\/detail>/, '') }),
    'a fault without its code': envelopeXml({ body: faultXml.replace('<FaultCode>9003</FaultCode>', '') }),
  };
  for (const [name, xml] of Object.entries(cases))
    test(name, () => {
      assert.equal(refusal(xml).code, 'invalid-arguments');
    });
});

test('a header that must be understood and is not, whoever made it up', () => {
  for (const header of ['<x:Extra xmlns:x="x" soap:mustUnderstand="1"/>', '<cwmp:Extra soap:mustUnderstand="1"/>'])
    assert.equal(refusal({ header: idHeader('5') + header, body: informXml() }).code, 'not-understood');
  read({ header: '<x:Extra xmlns:x="x" soap:mustUnderstand="0"/><cwmp:Extra/>', body: informXml() });
});

test('a refusal knows the request that it is to be answered with', () => {
  const { about } = refusal(changed('<DeviceId>', '<DeviceId><OUI/>'));
  assert.deepEqual(about, { kind: 'request', name: 'Inform', namespace: 'urn:dslforum-org:cwmp-1-1', id: '17' });
  assert.deepEqual(refusal({ body: valuesXml.replaceAll('Name>', 'X>') }).about?.kind, 'response');
  assert.equal(refusal('<html/>').about, undefined);
});

test('what a refusal quotes of a message is printable', () => {
  const { message } = refusal(envelopeXml({ body: '<a xmlns="\u202e\u0085é"/>' }));
  assert.match(message, /\\u\{202e\}/);
  refusal(`<${'é'.repeat(10_000)}`);
});

describe('limits', () => {
  const item = '<ParameterValueStruct><Name>a</Name></ParameterValueStruct>';
  const list = (content: string): string => changed(parameterListXml, `<ParameterList>${content}</ParameterList>`);
  const deep = (depth: number): string =>
    changed('<DeviceId>', `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}<DeviceId>`);
  const attributes = (count: number): string =>
    changed('<DeviceId>', `<DeviceId ${Array.from({ length: count }, (_, n) => `a${n}=""`).join(' ')}>`);

  test('bytes', () => {
    read(inform, { limits: { bytes: Buffer.byteLength(inform) } });
    assert.equal(refusal(inform, { limits: { bytes: Buffer.byteLength(inform) - 1 } }).code, 'too-large');
  });

  test('depth', () => {
    read(deep(29));
    assert.equal(refusal(deep(30)).code, 'limit');
  });

  test('attributes of one element', () => {
    read(attributes(16));
    assert.equal(refusal(attributes(17)).code, 'limit');
  });

  test('elements', () => {
    read(list(item.repeat(20)), { limits: { elements: 100 } });
    assert.equal(refusal(list(item.repeat(50)), { limits: { elements: 100 } }).code, 'limit');
  });

  test('parameters and events', () => {
    read(list(item.repeat(5)), { limits: { parameters: 5 } });
    assert.equal(refusal(list(item.repeat(6)), { limits: { parameters: 5 } }).code, 'limit');
    const events = (count: number): string =>
      changed(eventXml, `<Event>${'<EventStruct><EventCode>1 BOOT</EventCode></EventStruct>'.repeat(count)}</Event>`);
    read(events(defaultReadLimits.events));
    assert.equal(refusal(events(defaultReadLimits.events + 1)).code, 'limit');
  });

  test('length of text, also in many pieces', () => {
    const { shortText, longText } = defaultReadLimits;
    read(changed('000123', '1'.repeat(shortText)));
    assert.equal(refusal(changed('000123', '1'.repeat(shortText + 1))).code, 'limit');
    assert.equal(refusal(changed('000123', '1<!---->'.repeat(shortText + 1))).code, 'limit');
    assert.equal(refusal(changed('>1.0<', `>${'1'.repeat(longText + 1)}<`)).code, 'limit');
    assert.equal(refusal({ header: idHeader('1'.repeat(shortText + 1)), body: informXml() }).code, 'limit');
    assert.equal(refusal({ body: `<cwmp:${'a'.repeat(shortText + 1)}/>` }).code, 'limit');
  });

  test('any one thing that does not end is noticed before the whole body is read', () => {
    const much = 8 * 1024 * 1024;
    const start = inform.slice(0, inform.indexOf('Acme'));
    const endless = {
      text: start + 'a'.repeat(much),
      entities: start + '&amp;'.repeat(much / 5),
      comment: `${start}<!--${'a'.repeat(much)}`,
      comments: start + '<!-- -->'.repeat(much / 8),
      cdata: `${start}<![CDATA[${']'.repeat(much)}`,
      tag: `${start}<${'a'.repeat(much)}`,
      attributes: `${start}<a ${'a="" '.repeat(much / 5)}`,
      entity: `${start}&${'a'.repeat(much)}`,
      doctype: `<!DOCTYPE a [${'<!ENTITY a "b">'.repeat(much / 15)}`,
    };
    for (const [name, xml] of Object.entries(endless)) {
      const began = process.cpuUsage();
      assert.equal(refusal(xml).code, 'limit', name);
      const { user, system } = process.cpuUsage(began);
      assert.ok(user + system < 2_000_000, `${name} took ${(user + system) / 1000} ms of CPU`);
    }
  });

  test('white space takes linear time, however it is spread', () => {
    const spaces = `<Name>${' '.repeat(1000)}a${' '.repeat(20)}b</Name>`;
    const xml = list(item.replace('<Name>a</Name>', spaces).repeat(4000));
    const began = process.cpuUsage();
    read(xml);
    refusal(' '.repeat(8 * 1024 * 1024));
    const { user, system } = process.cpuUsage(began);
    assert.ok(user + system < 3_000_000, `took ${(user + system) / 1000} ms of CPU`);
  });
});

test('a message is not changed by another that is read beside it', () => {
  const before = decodeEnvelope(Buffer.from(inform));
  refusal(inform.slice(0, 900));
  assert.deepEqual(decodeEnvelope(Buffer.from(inform)), before);
});
