import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { openPool } from '../../src/platform/postgres.ts';
import { cleanup } from '../support/cleanup.ts';
import { ask, dataDirectory, guardsOf, isRunning, startUser, until } from './embedded-users.ts';

describe('when a user of the embedded Postgres is killed', { timeout: 120_000 }, () => {
  test('the last one takes the server with it, and the next start finds what was committed', async (t) => {
    const dataDir = await dataDirectory(t);
    const user = await startUser(t, dataDir);
    await ask(user.said.url, 'create table kept as select 42 as n');
    await user.kill();
    await until(() => !isRunning(user.said.pid), 10_000, 'the guard stops the server');
    await until(() => guardsOf(user.said.directory).length === 0, 5000, 'the guard ends');
    const next = await startUser(t, dataDir);
    assert.equal(next.said.adopted, false);
    assert.deepEqual(await ask(next.said.url, 'select n from kept'), [{ n: 42 }]);
    await next.leave();
  });

  test('the others go on, and the last of them stops the server', async (t) => {
    const dataDir = await dataDirectory(t);
    const [starter, other] = [await startUser(t, dataDir), await startUser(t, dataDir)];
    assert.deepEqual([starter.said.adopted, other.said.adopted], [false, true]);
    await starter.kill();
    await sleep(800);
    assert.deepEqual(await ask(other.said.url, 'select 1 as n'), [{ n: 1 }]);
    await other.leave();
    await until(() => !isRunning(starter.said.pid), 5000, 'stopped by the last');
    await until(() => guardsOf(starter.said.directory).length === 0, 5000, 'no guard is left');
  });

  test('with its guard, the next start adopts the orphan, and stops it in the end', async (t) => {
    const dataDir = await dataDirectory(t);
    const user = await startUser(t, dataDir);
    for (const guard of guardsOf(user.said.directory)) process.kill(guard, 'SIGKILL');
    await user.kill();
    await sleep(300);
    assert.ok(isRunning(user.said.pid), 'an orphan');
    const next = await startUser(t, dataDir);
    assert.deepEqual([next.said.adopted, next.said.pid], [true, user.said.pid]);
    await next.leave();
    await until(() => !isRunning(user.said.pid), 3000, 'stopped by the adopter');
  });

  test('a starter that is killed while the server still starts leaves none behind, and its guard does not harm the next', async (t) => {
    const dataDir = await dataDirectory(t);
    const user = await startUser(t, dataDir);
    const { directory } = user.said;
    await user.leave();
    for (const after of [60, 120, 180, 240]) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'embedded-user.ts'), dataDir], {
        stdio: 'ignore',
      });
      await sleep(after);
      child.kill('SIGKILL');
    }
    // One of them may still be on its way to a server that never came: it must not take the next one down.
    const next = await startUser(t, dataDir);
    assert.equal(next.said.message, undefined);
    await sleep(500);
    assert.deepEqual(await ask(next.said.url, 'select 1 as n'), [{ n: 1 }]);
    await next.leave();
    await until(() => guardsOf(directory).length === 0, 15_000, 'every guard ends');
    await until(() => !isRunning(next.said.pid), 3000, 'and no server is left');
  });
});

describe('when the server of the embedded Postgres dies', { timeout: 60_000 }, () => {
  test('it is started again at the same URL with everything that was committed', async (t) => {
    const dataDir = await dataDirectory(t);
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const postgres = await startEmbeddedPostgres({ dataDir, logger });
    cleanup(t, () => postgres.stop());
    const db = openPool({ url: postgres.url });
    cleanup(t, () => db.close());
    await db.query({ text: 'create table kept (n int)' });
    await db.query({ text: 'insert into kept values (42)' });
    process.kill(postgres.pid, 'SIGKILL');
    await until(() => !isRunning(postgres.pid) && lines.length > 0, 10_000, 'its end is noticed');
    const end = performance.now() + 20_000;
    let found: unknown;
    while (found === undefined && performance.now() < end)
      try {
        found = (await db.query({ text: 'select n from kept' })).rows;
      } catch {
        await sleep(50);
      }
    assert.deepEqual(found, [{ n: 42 }]);
    assert.match(lines.join(''), /the embedded database went away/);
    await db.close();
    await postgres.stop();
    await until(() => guardsOf(postgres.directory).length === 0, 5000, 'no guard is left');
  });
});
