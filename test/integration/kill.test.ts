import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanup } from '../support/cleanup.ts';
import { development, hems, json, serve, start, testFolder } from './command.ts';

interface Listed {
  readonly devices: readonly { lastInformAt: string | null }[];
}

describe('kill -9 under load', { timeout: 300_000 }, () => {
  test('loses no Inform that was answered; the next start takes up the data and serves the same fleet', async (t) => {
    const options = { env: development(join(testFolder(t), 'data')) };
    const first = await serve(['--dev'], options);
    cleanup(t, () => void first.child.kill('SIGKILL'));
    const fleet = (url: string): string[] => {
      const size = ['--count', '60', '--concurrency', '4', '--seed', 'killed'];
      return ['simulate', '--url', url, '--certs', first.ready.dataDir, ...size, '--json'];
    };
    const load = start([...fleet(first.ready.cwmp), '--enrol'], options);
    let answered = 0;
    for (const end = performance.now() + 60_000; answered < 3 && performance.now() < end; await sleep(50)) {
      const text = await (await fetch(`${first.ready.management}/metrics`)).text();
      answered = Number(/^hems_southbound_sessions_total\{[^}]*outcome="completed"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0);
    }
    first.child.kill('SIGKILL');
    await first.ended;
    const { complete } = json<{ complete: number }>(await load.ended);
    assert.ok(complete >= 3 && complete < 60, `${complete} sessions before the kill`);

    const second = await serve(['--dev'], options);
    cleanup(t, () => void second.child.kill('SIGKILL'));
    const list = await hems(['device', 'list', '--limit', '1000', '--json'], options);
    const { devices } = json<Listed>(list);
    assert.equal(devices.length, 60);
    const informed = devices.filter(({ lastInformAt }) => lastInformAt !== null).length;
    assert.ok(informed >= complete, `${informed} devices on disk, ${complete} had their answers`);
    const again = await hems(fleet(second.ready.cwmp), options);
    assert.equal(again.code, 0, again.stderr);
    assert.equal(json<{ complete: number }>(again).complete, 60);
    second.child.kill('SIGINT');
    assert.equal((await second.ended).code, 0);
  });
});
