import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { test } from 'node:test';
import { developmentDefaults } from '../../src/cli/development.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createManagement, ManagementCertificateFault } from '../../src/northbound/management.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLogger, createMetrics } from '../../src/platform/telemetry.ts';
import { developmentPki } from '../integration/stage.ts';
import { cleanup } from '../support/cleanup.ts';
import { withDatabase } from '../support/database.ts';
import { wishes } from './management-stage.ts';

test('beyond loopback the door is not configured without a certificate', async () => {
  const plain = developmentDefaults(await developmentPki());
  const bound = (management: object) => loadConfig({ env: {}, defaults: plain, overrides: { management } });
  for (const address of ['0.0.0.0', '::', '192.0.2.1']) {
    const loaded = bound({ address });
    assert.ok(!loaded.ok && loaded.faults.some(({ key }) => key === 'management.tls'), address);
    assert.ok(bound({ address, tls: { chain: 'a.pem', key: 'a.key' } }).ok, address);
  }
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) assert.ok(bound({ address }).ok, address);
});

test('with a certificate it speaks TLS 1.2 or newer and nothing in the clear', async (t) => {
  const { db } = await withDatabase(t);
  const [pair] = developmentDefaults(await developmentPki()).listeners?.[0]?.certificates ?? [];
  assert.ok(pair);
  const deps = { db, clock: systemClock, logger: createLogger('silent'), metrics: createMetrics({ process: false }) };
  const door = (tls: typeof pair) =>
    createManagement({
      ...{
        ...deps,
        anchors: [],
        standing: { deviations: () => [] },
        readFile: (path: string) => readFile(path, 'utf8'),
      },
      config: { management: { address: '127.0.0.1', port: 0, tls, requestsPerMinute: 10 }, ...wishes },
    });
  await assert.rejects(door({ chain: pair.key, key: pair.chain }), ManagementCertificateFault);
  const management = await door(pair);
  cleanup(t, () => management.close());
  const url = await management.listen();
  assert.match(url, /^https:/);
  const ask = (options: object) =>
    new Promise<number | string>((done) => {
      const asked = request(
        `${url}/api/v1/devices`,
        { rejectUnauthorized: false, agent: false, ...options },
        (answer) => {
          answer.resume();
          done(answer.statusCode ?? 0);
        },
      );
      asked.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      asked.end();
    });
  assert.equal(await ask({}), 401);
  assert.equal(await ask({ maxVersion: 'TLSv1.2' }), 401);
  assert.equal(
    typeof (await ask({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })),
    'string',
  );
  await assert.rejects(fetch(url.replace('https:', 'http:')));
  await management.reload();
  assert.equal(await ask({}), 401);
});
