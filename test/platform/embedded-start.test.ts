import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { cleanup } from '../support/cleanup.ts';
import { ask, dataDirectory, isRunning, startUser, temporaryFolder, until } from './embedded-users.ts';

const root = process.geteuid?.() === 0;

describe('starting the embedded Postgres', { timeout: 120_000 }, () => {
  test('cold, then warm: a real durable server on a closed socket, which keeps its data', async (t) => {
    const dataDir = join(temporaryFolder(t), 'var');
    const cold = await startEmbeddedPostgres({ dataDir });
    cleanup(t, () => cold.stop());
    assert.equal(cold.adopted, false);
    const [row] = await ask(
      cold.url,
      `select current_user as role, (select rolsuper from pg_roles where rolname = current_user) as super,
        current_database() as database, current_setting('server_version_num')::int as version,
        current_setting('server_encoding') as encoding, current_setting('listen_addresses') as addresses,
        current_setting('fsync') as fsync, current_setting('synchronous_commit') as commits,
        current_setting('full_page_writes') as pages, current_setting('data_checksums') as checksums,
        (select datlocprovider::text || ' ' || datlocale from pg_database where datname = 'hems') as locale,
        inet_server_addr() as address, 'ä' < 'b' as linguistic`,
    );
    assert.ok(Number(row?.version) >= 180_000);
    delete row?.version;
    assert.deepEqual(row, {
      role: 'hems',
      super: false,
      database: 'hems',
      encoding: 'UTF8',
      addresses: '',
      fsync: 'on',
      commits: 'on',
      pages: 'on',
      checksums: 'on',
      locale: 'b C.UTF-8',
      address: null,
      linguistic: false,
    });
    const socket = new URL(cold.url).searchParams.get('host') ?? '';
    const owner = statSync(cold.directory).uid;
    assert.notEqual(owner, 0, 'Postgres does not run as root');
    for (const closed of [cold.directory, socket]) {
      assert.equal(statSync(closed).mode & 0o777, 0o700, closed);
      assert.equal(statSync(closed).uid, owner, closed);
    }
    await ask(cold.url, 'create table kept as select 42 as n');
    await cold.stop();
    await until(() => !isRunning(cold.pid), 3000, 'stopped when stop() resolves');

    const began = performance.now();
    const warm = await startEmbeddedPostgres({ dataDir });
    cleanup(t, () => warm.stop());
    const took = performance.now() - began;
    assert.equal(warm.adopted, false);
    assert.deepEqual(await ask(warm.url, 'select n from kept'), [{ n: 42 }]);
    assert.ok(took < 10_000, `a warm start took ${Math.round(took)} ms`);
    await warm.stop();
    assert.match(readFileSync(join(dataDir, 'postgres/postgres.log'), 'utf8'), /database system is shut down\n$/);
  });

  test('of four processes that start at once on nothing one makes the cluster, all share it, the last stops it', async (t) => {
    const dataDir = join(temporaryFolder(t), 'var');
    const users = await Promise.all(Array.from({ length: 4 }, () => startUser(t, dataDir)));
    const [first] = users;
    assert.deepEqual(
      users.map(({ said }) => said.message),
      Array.from({ length: 4 }),
    );
    assert.deepEqual(new Set(users.map(({ said }) => said.pid)), new Set([first!.said.pid]));
    assert.equal(users.filter(({ said }) => !said.adopted).length, 1, 'one started it');
    for (const user of users) {
      assert.ok(isRunning(first!.said.pid));
      assert.deepEqual(await ask(user.said.url, 'select 1 as n'), [{ n: 1 }]);
      await user.leave();
    }
    await until(() => !isRunning(first!.said.pid), 5000, 'stopped by the last');
  });

  test('a data directory with a long path gets its socket elsewhere, and a second process finds it', async (t) => {
    const folder = join(temporaryFolder(t), 'a-rather-long-name-'.repeat(5));
    mkdirSync(folder);
    const long = await dataDirectory(t, folder);
    const one = await startUser(t, long);
    const socket = new URL(one.said.url).searchParams.get('host') ?? '';
    assert.ok(!socket.startsWith(long) && Buffer.byteLength(socket) < 90, socket);
    assert.equal(statSync(socket).mode & 0o777, 0o700);
    const two = await startUser(t, long);
    assert.equal(two.said.url, one.said.url);
    await one.leave();
    assert.deepEqual(await ask(two.said.url, 'select 1 as n'), [{ n: 1 }]);
    await two.leave();
    assert.throws(() => statSync(socket), /ENOENT/);
  });

  test('a process id file left by another boot, with the number of a stranger, does not keep it from starting', async (t) => {
    const dataDir = await dataDirectory(t);
    const first = await startUser(t, dataDir);
    const pidFile = join(first.said.directory, 'postmaster.pid');
    const old = readFileSync(pidFile, 'utf8');
    await first.leave();
    writeFileSync(pidFile, old.replace(/^\d+/, String(process.pid)));
    const second = await startUser(t, dataDir);
    assert.equal(second.said.message, undefined);
    assert.equal(second.said.adopted, false);
    await second.leave();
  });

  test('a cluster of another major version is refused with what to do', async (t) => {
    const dataDir = await dataDirectory(t);
    const first = await startUser(t, dataDir);
    await first.leave();
    writeFileSync(join(first.said.directory, 'PG_VERSION'), '15\n');
    const second = await startUser(t, dataDir);
    assert.equal(second.said.kind, 'embedded');
    assert.match(second.said.message ?? '', /was made by Postgres 15; the bundled one is 18/);
    assert.match(second.said.remedy ?? '', /pg_dump/);
  });

  test('a cluster that does not start is reported with what the server said', async (t) => {
    const dataDir = await dataDirectory(t);
    const first = await startUser(t, dataDir);
    await first.leave();
    rmSync(join(first.said.directory, 'global/pg_control'));
    const second = await startUser(t, dataDir);
    assert.equal(second.said.kind, 'embedded');
    assert.match(second.said.message ?? '', /does not start: .*pg_control|could not (find|open)/);
    assert.match(second.said.remedy ?? '', /postgres\.log/);
  });

  test('an ordinary user runs it as himself, and root serves it under that user', {
    skip: !root && 'needs root',
  }, async (t) => {
    const folder = temporaryFolder(t);
    const nobody = 65_534;
    const dataDir = copyOwned(folder, nobody);
    const user = await startUser(t, dataDir, { uid: nobody });
    assert.equal(user.said.message, undefined);
    assert.equal(statSync(user.said.directory).uid, nobody);
    const asRoot = await startUser(t, dataDir);
    assert.equal(asRoot.said.pid, user.said.pid);
    await user.leave();
    await asRoot.leave();
    const again = await startUser(t, dataDir);
    assert.equal(again.said.message, undefined);
    assert.equal(statSync(again.said.directory).uid, nobody);
    await again.leave();
    const himself = await startUser(t, dataDir, { uid: nobody });
    assert.equal(himself.said.message, undefined);
    await himself.leave();
  });

  test("another user's cluster is refused", { skip: !root && 'needs root' }, async (t) => {
    const folder = temporaryFolder(t);
    const dataDir = copyOwned(folder, 65_534);
    await (await startUser(t, dataDir)).leave();
    chownSync(dataDir, 1234, 1234);
    chownSync(join(dataDir, 'postgres'), 1234, 1234);
    const stranger = await startUser(t, dataDir, { uid: 1234 });
    assert.equal(stranger.said.kind, 'embedded');
    assert.match(stranger.said.message ?? '', /is not ours to run: it belongs to user id 65534/);
  });

  test('below a folder that only root may enter the cluster lies elsewhere, linked', {
    skip: !root && 'needs root',
  }, async (t) => {
    const folder = temporaryFolder(t);
    const closed = join(folder, 'home-of-root');
    mkdirSync(closed, { mode: 0o700 });
    chmodSync(closed, 0o700);
    const [dataDir, elsewhere] = [join(closed, 'var'), join(folder, 'elsewhere')];
    const one = await startUser(t, dataDir, { elsewhere });
    assert.equal(one.said.message, undefined);
    assert.ok(one.said.directory.startsWith(elsewhere), one.said.directory);
    assert.ok(lstatSync(join(dataDir, 'postgres')).isSymbolicLink());
    await ask(one.said.url, 'create table kept as select 42 as n');
    await one.leave();
    const two = await startUser(t, dataDir, { elsewhere });
    assert.deepEqual(await ask(two.said.url, 'select n from kept'), [{ n: 42 }]);
    await two.leave();
    rmSync(readlinkSync(join(dataDir, 'postgres')), { recursive: true });
    const three = await startUser(t, dataDir, { elsewhere });
    assert.match(three.said.message ?? '', /points at .*, and that is gone/);
  });
});

/** An empty data directory of an ordinary user. */
function copyOwned(folder: string, uid: number): string {
  const dataDir = join(folder, 'var');
  mkdirSync(dataDir, { mode: 0o700 });
  chownSync(dataDir, uid, uid);
  return dataDir;
}
