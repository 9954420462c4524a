import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cleanup } from '../support/cleanup.ts';
import { development, hems, json, serve, start, testFolder } from './command.ts';
import { until } from './evidence.ts';

interface Listed {
  readonly devices: readonly { readonly deviceId: string; readonly lastInformAt: string | null }[];
}

describe('hems device wake', { timeout: 180_000 }, () => {
  test('reaches a femtocell that listens, says why where it does not, and is there for whoever waits', async (t) => {
    const options = { env: development(join(testFolder(t), 'data')) };
    const server = await serve(['--dev'], options);
    cleanup(t, () => void server.child.kill('SIGKILL'));
    const run = (...args: string[]) => hems(args, options);
    await run('device', 'add', '--anchor', 'acme', '--identity', '00a0bc00dead.hnb.acme.example');
    const certs = ['--certs', server.ready.dataDir, '--enrol', '--count', '2', '--listen', 'https'];
    const fleet = start(['simulate', '--url', server.ready.cwmp, ...certs], options);
    cleanup(t, () => void fleet.child.kill('SIGKILL'));
    const listed = async (): Promise<Listed['devices']> =>
      json<Listed>(await run('device', 'list', '--json')).devices.filter(({ lastInformAt }) => lastInformAt !== null);
    const devices = await until(listed, (found) => found.length === 2, 'both have called', 30_000);
    const [first = '', second = ''] = devices.map(({ deviceId }) => deviceId);

    const woken = await run('device', 'wake', first, '--reason', 'the site is dark');
    assert.equal(woken.code, 0, woken.stderr);
    assert.match(woken.stdout, /^Its session came \d+\.\d s after the request\. accepted \(HTTP 200\), https:/);
    const soon = await run('device', 'wake', first);
    assert.deepEqual([soon.code, /was asked at[\s\S]*→ ask again after/.test(soon.stderr)], [1, true], soon.stderr);
    const shown = await run('device', 'show', first);
    assert.match(shown.stdout, /Connection requests[\s\S]*accepted \(HTTP 200\)/);
    assert.match(shown.stdout, /wake +cli:\S+ +the site is dark/);

    // Nobody calls by himself any more: the task is fetched because the device is asked to.
    const got = await run('device', 'get', second, 'Device.DeviceInfo.SoftwareVersion', '--timeout', '30s', '--json');
    assert.equal(got.code, 0, got.stderr);
    assert.equal(json<{ value: string }[]>(got)[0]?.value, '3.2.1');

    const silent = await run('device', 'wake', '00a0bc00dead.hnb.acme.example');
    assert.equal(silent.code, 1);
    assert.match(silent.stderr, /has told no ConnectionRequestURL\n {2}→ /);
    fleet.child.kill('SIGINT');
    assert.equal((await fleet.ended).code, 0);
    server.child.kill('SIGTERM');
    assert.equal((await server.ended).code, 0);
  });
});
