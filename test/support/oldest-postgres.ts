import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool } from '../../src/platform/postgres.ts';
import { cleanup } from './cleanup.ts';
import { peer } from './peers.ts';

/** Starts a Postgres 15 of the system's packages for one test; answers the URL of its superuser. */
export async function startOldestPostgres(t: TestContext): Promise<string> {
  const postgres = peer('postgres') ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'hems-oldest-'));
  const account = process.geteuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  chmodSync(folder, 0o700);
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid);
  cleanup(t, () => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  const options = { ...account, cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } };
  const initdb = join(dirname(postgres), 'initdb');
  const made = spawnSync(
    initdb,
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    options,
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const server = spawn(postgres, ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off'], {
    ...options,
    stdio: 'ignore',
  });
  const ended = once(server, 'exit');
  cleanup(t, async () => {
    server.kill('SIGINT');
    await ended;
  });
  const url = `postgresql://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`;
  await untilReady(url);
  return url;
}

async function untilReady(url: string): Promise<void> {
  const db = openPool({ url, poolSize: 1 });
  try {
    for (const end = performance.now() + 20_000; performance.now() < end; await sleep(50))
      if (await db.query({ text: 'select 1' }).catch(() => undefined)) return;
    throw new Error('Postgres 15 did not start within 20 s');
  } finally {
    await db.close();
  }
}
