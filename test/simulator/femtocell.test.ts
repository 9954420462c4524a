import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { type DeviceOrder, issueDevice } from '../../src/simulator/device-certificates.ts';
import { createFemtocell, deviceIdOf, type Femtocell, type FemtocellOptions } from '../../src/simulator/femtocell.ts';
import {
  acsEnvelope,
  type FakeAcs,
  fakeAcs,
  idle,
  idOf,
  informResponse,
  noContent,
  type Reply,
  type Seen,
  silence,
} from './fake-acs.ts';

const root = mkdtempSync(join(tmpdir(), 'hems-cell-'));
const at = new Date();
const identity = '00a0bc123456.hnb.acme.example';
let pki: DevelopmentPki;
let open: FakeAcs[] = [];

before(async () => {
  pki = await createDevelopmentPki(join(root, 'pki'), at);
});
after(async () => {
  await Promise.all(open.map((acs) => acs.close()));
  rmSync(root, { recursive: true, force: true });
});

async function start(
  ...args: Parameters<typeof fakeAcs> extends [unknown, ...infer Rest] ? Rest : never
): Promise<FakeAcs> {
  const acs = await fakeAcs(pki, ...args);
  open = [...open, acs];
  return acs;
}

async function cell(
  acs: FakeAcs,
  options: Partial<FemtocellOptions> = {},
  order: Partial<DeviceOrder> = {},
): Promise<Femtocell> {
  const device = await issueDevice({ pki, anchor: 'acme', identity, key: 'ec', at, ...order });
  return createFemtocell({
    url: acs.url,
    ca: device.ca,
    credentials: device,
    deviceId: deviceIdOf(identity, 'Acme Femto'),
    timeoutMs: 5000,
    ...options,
  });
}

describe('idle session', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const key of ['ec', 'rsa'] as const)
      test(`a device with an ${key} key informs over ${version}, is answered and ends on 204`, async () => {
        const acs = await start(idle);
        const report = await runSession(await cell(acs, { tls: { version } }, { key }));
        assert.deepEqual(report.statuses, [200, 204]);
        assert.deepEqual([report.informed, report.complete, report.closedBy], [true, true, 'device']);
        assert.deepEqual(report.violations, []);
        assert.equal(report.tlsVersion, version);
        assert.equal(report.resumed, false);
        assert.deepEqual(report.localPorts, [acs.seen[0]?.remotePort]);
        assert.equal(acs.seen[0]?.headers.soapaction, '');
        assert.equal(acs.seen[1]?.body, '');
        assert.equal(acs.seen[1]?.headers.soapaction, undefined);
      });

  test('starts with BOOTSTRAP and BOOT, then is PERIODIC', async () => {
    const acs = await start(idle);
    const device = await cell(acs);
    await runSession(device);
    await runSession(device);
    const events = acs.seen.filter(({ body }) => body !== '').map(({ body }) => body.match(/(?<=<EventCode>)[^<]+/g));
    assert.deepEqual(events, [['0 BOOTSTRAP', '1 BOOT'], ['2 PERIODIC']]);
  });

  test('BOOTSTRAP is repeated, with a retry count, until an InformResponse came', async () => {
    const acs = await start((seen, index) => (index === 0 ? { status: 503 } : idle(seen)));
    const device = await cell(acs);
    const first = await runSession(device);
    assert.deepEqual([first.informed, first.httpStatus], [false, 503]);
    await runSession(device);
    assert.match(acs.seen[1]?.body ?? '', /<EventCode>0 BOOTSTRAP<.*<RetryCount>1</s);
  });

  const namespaces = { '1.0': '1-0', '1.1': '1-1', '1.2': '1-2', '1.3': '1-2', '1.4': '1-2' } as const;
  for (const [version, name] of Object.entries(namespaces) as [keyof typeof namespaces, string][])
    test(`the Inform of CWMP ${version} bears its namespace, its headers and the forced parameters`, async () => {
      const namespace = `urn:dslforum-org:cwmp-${name}`;
      const acs = await start(({ body }) => (body === '' ? noContent : informResponse(body, namespace)));
      const report = await runSession(await cell(acs, { cwmp: version, dataModel: 'tr-196-1' }));
      assert.deepEqual([report.complete, report.violations], [true, []]);
      const body = acs.seen[0]?.body ?? '';
      assert.ok(body.includes(`xmlns:cwmp="${namespace}"`));
      assert.equal(body.includes('SessionTimeout'), version >= '1.3');
      assert.equal(body.includes('SupportedCWMPVersions'), version === '1.4');
      for (const parameter of ['DeviceSummary', 'ManagementServer.ParameterKey', 'FAPService.1.FAPControl.OpState'])
        assert.ok(body.includes(parameter), parameter);
      const count = body.match(/<ParameterValueStruct>/g)?.length;
      assert.ok(body.includes(`ParameterValueStruct[${count}]`));
    });
});

describe('HTTP', () => {
  test('a cookie is returned, without its attributes, until the session ends', async () => {
    const acs = await start((seen) => {
      const reply = idle(seen);
      return {
        ...reply,
        headers: { ...reply.headers, 'set-cookie': ['session=abc=; Path=/; Secure; HttpOnly', 'b=1'] },
      };
    });
    const device = await cell(acs);
    const report = await runSession(device);
    assert.equal(report.cookie, 'session=abc=; b=1');
    assert.equal(acs.seen[1]?.headers.cookie, 'session=abc=; b=1');
    await runSession(device);
    assert.equal(acs.seen[2]?.headers.cookie, undefined);
  });

  for (const way of ['chunked', 'expectContinue', 'gzip'] as const)
    test(`a body sent ${way} arrives whole`, async () => {
      const acs = await start(idle);
      const report = await runSession(await cell(acs), { [way]: true });
      assert.equal(report.complete, true);
      assert.match(acs.seen[0]?.body ?? '', /<\/s:Envelope>$/);
      const headers = acs.seen[0]?.headers ?? {};
      const sign = {
        chunked: headers['transfer-encoding'],
        expectContinue: headers.expect,
        gzip: headers['content-encoding'],
      };
      assert.equal(sign[way], { chunked: 'chunked', expectContinue: '100-continue', gzip: 'gzip' }[way]);
    });

  test('a session goes on over a new connection when the ACS closes the first', async () => {
    const acs = await start((seen) => {
      const reply = idle(seen);
      return { ...reply, headers: { ...reply.headers, connection: 'close', 'set-cookie': 's=1' } };
    });
    const report = await runSession(await cell(acs));
    assert.equal(report.complete, true);
    assert.equal(report.localPorts.length, 2);
    assert.equal(acs.seen[1]?.headers.cookie, 's=1');
  });

  test('a chunked answer is read', async () => {
    const acs = await start((seen) => {
      const reply = idle(seen);
      return reply.body === undefined
        ? reply
        : { ...reply, headers: { ...reply.headers, 'transfer-encoding': 'chunked' } };
    });
    assert.equal((await runSession(await cell(acs))).complete, true);
  });

  test('an ACS that never answers is given up, by the device', async () => {
    const acs = await start(() => silence);
    const report = await runSession(await cell(acs, { timeoutMs: 300 }));
    assert.deepEqual([report.closedBy, report.error], ['device', 'no reply within 300 ms']);
  });

  test('so is one that never shakes hands', async () => {
    const acs = await start(idle, () => true, { SNICallback: () => undefined });
    const url = acs.url.replace('127.0.0.1', 'localhost');
    const report = await runSession(await cell(acs, { url, timeoutMs: 300 }));
    assert.deepEqual([report.closedBy, report.error], ['device', 'no handshake within 300 ms']);
  });
});

describe('resumption', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`the second session resumes the first over ${version}, unless told not to`, async () => {
      const acs = await start(idle);
      const device = await cell(acs, { tls: { version } });
      const reports = [await runSession(device), await runSession(device)];
      assert.deepEqual(
        reports.map(({ resumed }) => resumed),
        [false, true],
      );
      const stubborn = createFemtocell({ ...device.options, resume: false });
      await runSession(stubborn);
      assert.equal((await runSession(stubborn)).resumed, false);
    });
});

describe('the gate', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`a client that is cut off after the handshake knows it was the ACS (${version})`, async () => {
      const acs = await start(idle, () => false);
      const report = await runSession(await cell(acs, { tls: { version } }));
      assert.deepEqual([report.informed, report.closedBy, report.statuses], [false, 'acs', []]);
      assert.equal(report.localPorts.length, 1);
    });

  test('the alert of a server that demands a certificate is reported by number', async () => {
    const acs = await start(idle, () => true, { rejectUnauthorized: true });
    for (const [version, alert] of [
      ['TLSv1.2', 40],
      ['TLSv1.3', 116],
    ] as const) {
      const device = await cell(acs, { tls: { version } });
      const { credentials: _, ...bare } = device.options;
      const report = await runSession(createFemtocell(bare));
      assert.deepEqual([report.closedBy, report.alert], ['acs', alert]);
    }
  });

  for (const [what, order] of Object.entries({
    '1024-bit RSA key': { key: 'rsa-1024' },
    'SHA-1 signature': { faults: ['sha1-signature'] },
    'expired certificate': { faults: ['expired'] },
  } as const))
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      test(`a device can show its ${what} (${version}): judging it is left to the ACS`, async () => {
        const shown: string[] = [];
        const acs = await start(idle, (socket: TLSSocket) => {
          shown.push(socket.getPeerX509Certificate()?.subject ?? 'nothing');
          return true;
        });
        const report = await runSession(await cell(acs, { tls: { version } }, order));
        assert.equal(report.complete, true, report.error);
        assert.match(shown[0] ?? '', /CN=00a0bc123456/);
      });

  test('a device does not talk to an H(e)MS of another name or another CA', async () => {
    const acs = await start(idle);
    const unnamed = await start(idle, () => true, {}, '127.0.0.2');
    const byName = await runSession(await cell(unnamed));
    assert.match(byName.error ?? '', /127\.0\.0\.2/);
    const stranger = readFileSync(join(pki.dir, 'acme-root.crt'), 'utf8');
    const byCa = await runSession(await cell(acs, { ca: stranger }));
    assert.match(byCa.error ?? '', /certificate/);
    assert.deepEqual([byName.closedBy, byCa.closedBy], ['device', 'device']);
    assert.deepEqual([acs.seen, unnamed.seen], [[], []]);
  });
});

describe('the ACS turn', () => {
  /** Informs, then puts each request to the device in turn; collects its answers. */
  async function ask(
    requests: readonly string[],
    device?: Femtocell,
  ): Promise<{ answers: string[]; device: Femtocell; report: Awaited<ReturnType<typeof runSession>> }> {
    const answers: string[] = [];
    let next = 0;
    const acs = await start((seen: Seen): Reply => {
      if (seen.body.includes(':Inform>')) return informResponse(seen.body);
      if (seen.body.includes('cwmp:TransferComplete>'))
        return acsEnvelope('<c:TransferCompleteResponse/>', idOf(seen.body));
      if (seen.body !== '') answers.push(seen.body);
      const request = requests[next++];
      return request === undefined ? noContent : acsEnvelope(request, `task-${next}`);
    });
    const asked = device === undefined ? await cell(acs) : createFemtocell({ ...device.options, url: acs.url });
    if (device !== undefined) Object.assign(asked, { state: device.state });
    return { report: await runSession(asked), answers, device: asked };
  }

  test('answers with the ID it was asked under', async () => {
    const { answers, report } = await ask(['<c:GetRPCMethods/>']);
    assert.equal(report.complete, true);
    assert.deepEqual(report.answered, ['GetRPCMethods']);
    assert.equal(idOf(answers[0] ?? ''), 'task-1');
    assert.match(answers[0] ?? '', /<string>GetParameterValues<\/string>/);
  });

  test('reads a value, a subtree, and faults a name it does not have', async () => {
    const get = (name: string): string =>
      `<c:GetParameterValues><ParameterNames><string>${name}</string></ParameterNames></c:GetParameterValues>`;
    const { answers } = await ask(['Device.DeviceInfo.SerialNumber', 'Device.DeviceInfo.', 'Device.Nothing'].map(get));
    assert.match(answers[0] ?? '', /ParameterValueStruct\[1\].*<Value xsi:type="xsd:string">00A0BC123456</s);
    assert.match(answers[1] ?? '', /ParameterValueStruct\[11\]/);
    assert.match(answers[2] ?? '', /<FaultCode>9005</);
  });

  test('lists names one level down', async () => {
    const { answers } = await ask([
      '<c:GetParameterNames><ParameterPath>Device.</ParameterPath><NextLevel>1</NextLevel></c:GetParameterNames>',
    ]);
    const names = (answers[0] ?? '').match(/(?<=<Name>)[^<]+/g);
    assert.deepEqual(names?.sort(), [
      'Device.DeviceInfo.',
      'Device.Ethernet.',
      'Device.FAP.',
      'Device.FaultMgmt.',
      'Device.IP.',
      'Device.IPsec.',
      'Device.ManagementServer.',
      'Device.RootDataModelVersion',
      'Device.Security.',
      'Device.Services.',
      'Device.Time.',
    ]);
  });

  test('sets all values or none', async () => {
    const set = (values: Record<string, string>, key: string): string =>
      `<c:SetParameterValues><ParameterList>${Object.entries(values)
        .map(
          ([name, value]) => `<ParameterValueStruct><Name>${name}</Name><Value>${value}</Value></ParameterValueStruct>`,
        )
        .join('')}</ParameterList><ParameterKey>${key}</ParameterKey></c:SetParameterValues>`;
    const tac = 'Device.Services.FAPService.1.CellConfig.LTE.EPC.TAC';
    const interval = 'Device.ManagementServer.PeriodicInformInterval';
    const { answers, device } = await ask([
      set({ [tac]: '77', [interval]: 'often' }, 'k1'),
      set({ [tac]: '77', [interval]: '60' }, 'k2'),
    ]);
    assert.match(
      answers[0] ?? '',
      /<FaultCode>9003<.*<SetParameterValuesFault><ParameterName>[^<]*Interval<.*<FaultCode>9007</s,
    );
    assert.match(answers[1] ?? '', /<Status>0</);
    assert.equal(device.state.tree.get(tac)?.value, '77');
    assert.equal(device.state.tree.get('Device.ManagementServer.ParameterKey')?.value, 'k2');
  });

  test('what it does not know is fault 9000, whatever its name', async () => {
    const { answers } = await ask(['<c:X_00D09E_Sing/>', '<c:toString/>', '<c:constructor/>']);
    assert.equal(answers.length, 3);
    for (const answer of answers) assert.match(answer, /<FaultCode>9000</);
  });

  test('after a Reboot and a Download the next session says so, and completes the transfer', async () => {
    const { device } = await ask([
      '<c:Reboot><CommandKey>r&amp;1</CommandKey></c:Reboot>',
      '<c:Download><CommandKey>d1</CommandKey><FileType>2 Web Content</FileType><URL>https://files.example/f</URL></c:Download>',
    ]);
    assert.deepEqual(
      device.state.pendingEvents.map(({ eventCode, commandKey }) => [eventCode, commandKey]),
      [
        ['7 TRANSFER COMPLETE', ''],
        ['M Download', 'd1'],
        // When the session is over, not before.
        ['1 BOOT', ''],
        ['M Reboot', 'r&1'],
      ],
    );
    const { report, device: later } = await ask([], device);
    assert.equal(report.complete, true);
    assert.deepEqual([later.state.pendingEvents, later.state.transfers], [[], []]);
  });

  test('calls GetRPCMethods of the ACS when asked to', async () => {
    const acs = await start(({ body }) => {
      if (body.includes('GetRPCMethods'))
        return acsEnvelope(
          '<c:GetRPCMethodsResponse><MethodList><string>Inform</string></MethodList></c:GetRPCMethodsResponse>',
          idOf(body),
        );
      return body === '' ? noContent : informResponse(body);
    });
    const report = await runSession(await cell(acs), { calls: ['GetRPCMethods'] });
    assert.deepEqual([report.statuses, report.violations], [[200, 200, 204], []]);
  });
});

describe('held requests', () => {
  test('wait for the ACS to have had its turn', async () => {
    const hold = '<c:HoldRequests soap:mustUnderstand="1">1</c:HoldRequests>';
    const kinds: string[] = [];
    const acs = await start(({ body }) => {
      kinds.push(/<cwmp:(?!ID)(\w+)/.exec(body)?.[1] ?? 'empty');
      if (kinds.length === 1) return informResponse(body, undefined, hold);
      if (kinds.length === 2) return acsEnvelope('<c:GetRPCMethods/>', 'task', undefined, hold);
      return body.includes('<cwmp:GetRPCMethods/>') ? acsEnvelope('<c:GetRPCMethodsResponse/>', idOf(body)) : noContent;
    });
    const report = await runSession(await cell(acs), { calls: ['GetRPCMethods'] });
    assert.deepEqual(kinds, ['Inform', 'empty', 'GetRPCMethodsResponse', 'GetRPCMethods', 'empty']);
    assert.deepEqual([report.complete, report.violations], [true, []]);
  });
});

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
