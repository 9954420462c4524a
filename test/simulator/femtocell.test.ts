import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { createFemtocell } from '../../src/simulator/femtocell.ts';
import { idle, informResponse, noContent, silence } from './fake-acs.ts';
import { cell, pki, start } from './femtocells.ts';

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
