import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { acsEnvelope, idle, idOf, informResponse, noContent, type Reply, type Seen } from './fake-acs.ts';
import { cell, start } from './femtocells.ts';

describe('what an ACS may not do', () => {
  const cases: Record<string, { answer: (seen: Seen) => Reply; violation: RegExp }> = {
    'ask for a password': {
      answer: () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="acs"' } }),
      violation: /shared secret/,
    },
    'answer another ID': { answer: () => informResponse('<c:ID x="1">other</c:ID>'), violation: /with ID other/ },
    'answer in another namespace': {
      answer: ({ body }) => (body === '' ? noContent : informResponse(body, 'urn:dslforum-org:cwmp-1-2')),
      violation: /sends InformResponse in urn:dslforum-org:cwmp-1-2/,
    },
    'choose a version for a device that cannot know of it': {
      answer: ({ body }) =>
        informResponse(body, undefined, '<c:UseCWMPVersion soap:mustUnderstand="1">1.1</c:UseCWMPVersion>'),
      violation: /sends UseCWMPVersion to CWMP 1\.1/,
    },
    'qualify its arguments': {
      answer: ({ body }) =>
        acsEnvelope('<c:InformResponse><c:MaxEnvelopes>1</c:MaxEnvelopes></c:InformResponse>', idOf(body)),
      violation: /qualifies its arguments/,
    },
    'send what is not XML': {
      answer: () => ({ status: 200, headers: { 'content-type': 'text/xml' }, body: '<a>' }),
      violation: /cannot be read/,
    },
    'use a prefix it did not declare': {
      answer: () => ({ status: 200, headers: { 'content-type': 'text/xml' }, body: '<x:a/>' }),
      violation: /prefix x is not declared/,
    },
    'end with an empty 200': {
      answer: ({ body }) => (body === '' ? { status: 200 } : informResponse(body)),
      violation: /ends with an empty 200/,
    },
    'leave out mustUnderstand': {
      answer: ({ body }) => informResponse('', undefined, `<c:ID>${idOf(body)}</c:ID>`),
      violation: /ID without mustUnderstand/,
    },
    'call its answer JSON': {
      answer: (seen) => ({ ...idle(seen), headers: { 'content-type': 'application/json' } }),
      violation: /calls an envelope "application\/json"/,
    },
  };
  for (const [what, { answer, violation }] of Object.entries(cases))
    test(what, async () => {
      const acs = await start(answer);
      const report = await runSession(await cell(acs));
      assert.match(report.violations.join('\n'), violation);
    });

  test('a fault in answer to the Inform is reported with its code', async () => {
    const fault =
      '<soap:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><c:Fault><FaultCode>8001</FaultCode><FaultString>Request denied</FaultString></c:Fault></detail></soap:Fault>';
    const acs = await start(({ body }) => acsEnvelope(fault, idOf(body)));
    const report = await runSession(await cell(acs));
    assert.deepEqual([report.informed, report.faultCode, report.httpStatus, report.violations], [false, 8001, 200, []]);
  });

  test('8005 makes the device ask again', async () => {
    const fault =
      '<soap:Fault><faultcode>Server</faultcode><faultstring>CWMP fault</faultstring><detail><c:Fault><FaultCode>8005</FaultCode><FaultString>Retry</FaultString></c:Fault></detail></soap:Fault>';
    const acs = await start((seen, index) => (index === 0 ? acsEnvelope(fault, idOf(seen.body)) : idle(seen)));
    const report = await runSession(await cell(acs));
    assert.deepEqual([report.complete, report.statuses], [true, [200, 200, 204]]);
  });
});
