import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newSession } from '../../src/cwmp/session.ts';
import { step } from '../../src/cwmp/step.ts';
import { idHeader, informXml, read } from './wire.ts';

interface Heard {
  readonly namespace: string;
  readonly header?: string;
}

/** The session's version, and the InformResponse or fault that a device hears. */
function negotiate({ namespace, header = '' }: Heard): { version: string | undefined; xml: string } {
  const envelope = read({ namespace, header: idHeader('1') + header, body: informXml() });
  const begun = step(newSession(), { kind: 'envelope', envelope });
  if (begun.reply.kind === 'refuse') return { version: undefined, xml: begun.reply.faultXml ?? '' };
  const { session, reply } = step(begun.session, { kind: 'inform-stored' });
  assert.equal(reply.kind, 'envelope');
  return { version: session.version, xml: reply.xml };
}

const sessionTimeout = '<cwmp:SessionTimeout soap:mustUnderstand="0">60</cwmp:SessionTimeout>';
const supported = (list: string): string =>
  `<cwmp:SupportedCWMPVersions soap:mustUnderstand="0">${list}</cwmp:SupportedCWMPVersions>`;

describe('without SupportedCWMPVersions the version is inferred, and UseCWMPVersion never sent', () => {
  const cases: [namespace: string, header: string, version: string][] = [
    ['urn:dslforum-org:cwmp-1-0', '', '1.0'],
    ['urn:dslforum-org:cwmp-1-1', '', '1.1'],
    ['urn:dslforum-org:cwmp-1-2', '', '1.2'],
    ['urn:dslforum-org:cwmp-1-2', sessionTimeout, '1.3'],
    ['urn:dslforum-org:cwmp-1-3', '', '1.3'],
    ['urn:dslforum-org:cwmp-1-4', '', '1.4'],
    ['urn:dslforum-org:cwmp-1-9', '', '1.4'],
    ['urn:dslforum-org:cwmp-1-0', supported(' '), '1.0'],
  ];
  for (const [namespace, header, version] of cases)
    test(`${namespace}${header === '' ? '' : ` with ${header.slice(6, 20)}…`} is ${version}`, () => {
      const heard = negotiate({ namespace, header });
      assert.equal(heard.version, version);
      assert.ok(heard.xml.includes(`xmlns:cwmp="${namespace}"`), 'the answer is in the namespace of the question');
      assert.ok(!heard.xml.includes('UseCWMPVersion'));
    });
});

describe('with SupportedCWMPVersions the highest common version is chosen, and told', () => {
  const cases: [list: string, version: string][] = [
    ['1.0,1.1,1.2,1.3,1.4', '1.4'],
    ['1.4,1.0', '1.4'],
    [' 1.0 , 1.2 ', '1.2'],
    ['1.0,1.4,1.5,2.0', '1.4'],
    ['1.1,nonsense,', '1.1'],
  ];
  for (const [list, version] of cases)
    test(`${list} gives ${version}`, () => {
      const heard = negotiate({ namespace: 'urn:dslforum-org:cwmp-1-2', header: sessionTimeout + supported(list) });
      assert.equal(heard.version, version);
      assert.ok(
        heard.xml.includes(`<cwmp:UseCWMPVersion soap-env:mustUnderstand="1">${version}</cwmp:UseCWMPVersion>`),
      );
    });
});

test('no common version is fault 8006, with HTTP 200, and the end', () => {
  const envelope = read({
    namespace: 'urn:dslforum-org:cwmp-1-2',
    header: idHeader('1') + supported('1.5,2.0'),
    body: informXml(),
  });
  const { session, reply, facts } = step(newSession(), { kind: 'envelope', envelope });
  assert.ok(reply.kind === 'refuse' && reply.httpStatus === 200);
  assert.match(reply.faultXml ?? '', /<FaultCode>8006<\/FaultCode>/);
  assert.match(reply.faultXml ?? '', /<cwmp:ID soap-env:mustUnderstand="1">1</);
  assert.equal(session.state.kind, 'ended');
  assert.deepEqual(facts, [{ kind: 'failed', reason: 'version-incompatible' }]);
});

test('the whole session keeps the namespace of its Inform, and SessionTimeout', () => {
  const namespace = 'urn:dslforum-org:cwmp-1-4';
  const begun = step(newSession(), {
    kind: 'envelope',
    envelope: read({ namespace, header: sessionTimeout, body: informXml() }),
  });
  assert.equal(begun.session.sessionTimeout, 60);
  const stored = step(begun.session, { kind: 'inform-stored' });
  const turn = step(stored.session, { kind: 'empty' });
  const { reply } = step(turn.session, { kind: 'acs-request', request: { method: 'GetRPCMethods' } });
  assert.ok(reply.kind === 'envelope' && reply.xml.includes(`xmlns:cwmp="${namespace}"`));
});
