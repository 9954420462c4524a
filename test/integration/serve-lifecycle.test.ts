import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanup } from '../support/cleanup.ts';
import { development, type Ended, hems, json, processesOf, type Running, serve, start, testFolder } from './command.ts';
import { until } from './evidence.ts';

const identity = '00a0bc00beef.hnb.acme.example';

async function stopped(running: Running, signal: NodeJS.Signals): Promise<Ended> {
  running.child.kill(signal);
  return running.ended;
}

function assertClean({ code, signal, stderr }: Ended): void {
  assert.deepEqual([code, signal], [0, null], stderr);
  assert.doesNotMatch(stderr, /"level":"(error|fatal)"/);
}

async function nothingLeft(folder: string): Promise<void> {
  await until(
    () => processesOf(folder),
    (left) => left.length === 0,
    'no process of the data directory is left',
  );
}

describe('serve --dev', { timeout: 120_000 }, () => {
  test('starts from nothing, ends cleanly on Ctrl-C, takes up the same data after it and after kill -9', async (t) => {
    const folder = testFolder(t);
    const dataDir = join(folder, 'data');
    const options = { env: development(dataDir) };

    const first = await serve(['--dev'], options);
    cleanup(t, () => void first.child.kill('SIGKILL'));
    const { cwmp, management, ready, pid } = first.ready;
    assert.deepEqual([ready, pid, first.ready.dataDir], [true, first.pid, dataDir]);
    assert.match(cwmp, /^https:\/\/localhost:\d+\/cwmp$/);
    assert.match(management, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await fetch(`${management}/readyz`)).status, 200);
    assert.ok(existsSync(join(dataDir, 'pki')));
    const added = await hems(['device', 'add', '--anchor', 'acme', '--identity', identity, '--json'], options);
    assert.equal(added.code, 0, added.stderr);
    const { deviceId } = json<{ deviceId: string }>(added);
    const ca = readFileSync(join(dataDir, 'pki/acme-root.crt'), 'utf8');
    const end = await stopped(first, 'SIGINT');
    assertClean(end);
    assert.equal(end.stdout.split('\n').length, 2, 'the ready line and nothing else');
    await nothingLeft(folder);

    const has = async (): Promise<void> => {
      const shown = await hems(['device', 'show', identity, '--json'], options);
      assert.equal(shown.code, 0, shown.stderr);
      assert.equal(json<{ deviceId: string }>(shown).deviceId, deviceId);
      assert.equal(readFileSync(join(dataDir, 'pki/acme-root.crt'), 'utf8'), ca);
    };
    const second = await serve(['--dev'], options);
    cleanup(t, () => void second.child.kill('SIGKILL'));
    await has();
    await stopped(second, 'SIGKILL');

    // At once: the database of the one killed may still run.
    const third = await serve(['--dev'], options);
    cleanup(t, () => void third.child.kill('SIGKILL'));
    assert.equal((await fetch(`${third.ready.management}/readyz`)).status, 200);
    await has();
    assertClean(await stopped(third, 'SIGTERM'));
    await nothingLeft(folder);
    // A command that needs the database starts it where nothing does, and leaves nothing running.
    await has();
    await nothingLeft(folder);
  });

  test('that is killed leaves no database behind, though nobody starts again', async (t) => {
    const folder = testFolder(t);
    const running = await serve(['--dev'], { env: development(join(folder, 'data')) });
    await stopped(running, 'SIGKILL');
    await nothingLeft(folder);
  });

  test('Ctrl-C in the middle of the start ends it too', async (t) => {
    const folder = testFolder(t);
    const running = start(['serve', '--dev', '--json'], { env: development(join(folder, 'data')) });
    await until(
      () => existsSync(join(folder, 'data')),
      (there) => there,
      'the data directory',
    );
    await sleep(300);
    const { code } = await stopped(running, 'SIGINT');
    assert.equal(code, 0);
    await nothingLeft(folder);
  });

  test('two on one data directory share its database, and the first to leave does not stop it', async (t) => {
    const folder = testFolder(t);
    const options = { env: development(join(folder, 'data')) };
    const first = await serve(['--dev'], options);
    cleanup(t, () => void first.child.kill('SIGKILL'));
    const second = await serve(['--dev'], options);
    cleanup(t, () => void second.child.kill('SIGKILL'));
    assertClean(await stopped(first, 'SIGINT'));
    assert.equal((await fetch(`${second.ready.management}/readyz`)).status, 200);
    assertClean(await stopped(second, 'SIGINT'));
    await nothingLeft(folder);
  });
});
