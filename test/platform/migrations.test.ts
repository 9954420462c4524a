import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { DatabaseError } from '../../src/platform/database-error.ts';
import { migrate, migrationState } from '../../src/platform/migrations.ts';
import { type Database, openPool, type Queryable } from '../../src/platform/postgres.ts';
import { cleanup } from '../support/cleanup.ts';
import { migrationsDirectory, withDatabase } from '../support/database.ts';
import { startOldestPostgres } from '../support/oldest-postgres.ts';
import { unless } from '../support/peers.ts';
import { dumpSchema } from '../support/schema-dump.ts';
import { temporaryFolder } from './embedded-users.ts';

function folderOf(t: TestContext, files: Record<string, string>): string {
  const folder = join(temporaryFolder(t), 'migrations');
  mkdirSync(folder);
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql);
  return folder;
}

const two = {
  '0001_first.sql': 'create table a (n int primary key);\ninsert into a values (1);\n',
  '0002_second.sql': 'create table b (n int);\ninsert into b select n from a;\nselect pg_sleep(0.2);\n',
};

const refusal = (kind: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DatabaseError, String(error));
  assert.equal(error.kind, kind);
  assert.match(error.message, message);
  assert.ok(error.remedy.length > 10);
  return true;
};

describe('migrations', { timeout: 60_000 }, () => {
  test('are applied once, in order, and recorded', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, two);
    assert.deepEqual(await migrationState(db, folder), { applied: [], pending: Object.keys(two) });
    assert.deepEqual(await migrate(db, folder), { applied: Object.keys(two) });
    assert.deepEqual(await migrate(db, folder), { applied: [] });
    assert.deepEqual(await migrationState(db, folder), { applied: Object.keys(two), pending: [] });
    assert.deepEqual((await db.query({ text: 'select n from b' })).rows, [{ n: 1 }]);
  });

  test('survive ten processes at once: each file is applied by one of them', async (t) => {
    const { url, db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, two);
    const pools = Array.from({ length: 10 }, () => openPool({ url, poolSize: 1 }));
    cleanup(t, () => Promise.all(pools.map((pool) => pool.close())));
    const results = await Promise.all(pools.map((pool) => migrate(pool, folder)));
    assert.deepEqual(results.flatMap(({ applied }) => applied).sort(), Object.keys(two));
    assert.deepEqual((await db.query({ text: 'select count(*) as n from b' })).rows, [{ n: 1 }]);
  });

  test('need no right to create anything where nothing is pending', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, two);
    await migrate(db, folder);
    const readOnly: Database = {
      ...db,
      alone: (fn) =>
        db.alone(async (session) => {
          await session.query({ text: 'set default_transaction_read_only = on' });
          return fn(session);
        }),
    };
    assert.deepEqual(await migrate(readOnly, folder), { applied: [] });
  });

  test('do not wait for ever for a process that hangs in the middle', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, { '0001_slow.sql': 'select pg_sleep(1.5);\n' });
    const slow = migrate(db, folder);
    const holds = `select from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())`;
    while ((await db.query({ text: holds })).count === 0);
    await assert.rejects(
      migrate(db, folder, { waitFor: 100 }),
      refusal('migration', /another process has been migrating/),
    );
    assert.deepEqual(await slow, { applied: ['0001_slow.sql'] });
  });

  test('go on where a killed process stopped: nothing of the broken file stays', async (t) => {
    const { url, db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, { ...two, '0002_second.sql': 'create table b (n int);\nselect pg_sleep(30);\n' });
    const doomed = openPool({ url, poolSize: 1, applicationName: 'doomed' });
    const outcome = migrate(doomed, folder).catch((error: unknown) => error);
    const sleeping = `select pid from pg_stat_activity where application_name = 'doomed' and wait_event = 'PgSleep'`;
    while ((await db.query({ text: sleeping })).count === 0);
    await db.query({ text: `select pg_terminate_backend(pid) from (${sleeping}) s` });
    assert.ok((await outcome) instanceof Error);
    await doomed.close();
    writeFileSync(join(folder, '0002_second.sql'), two['0002_second.sql']);
    assert.deepEqual(await migrate(db, folder), { applied: ['0002_second.sql'] });
  });

  test('roll a faulty file back and name its line; the files before it stay', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, { ...two, '0003_third.sql': 'create table c (n int);\n\nselekt 1;\n' });
    await assert.rejects(migrate(db, folder), (error: DatabaseError) => {
      assert.match(error.remedy, /line 3 of 0003_third\.sql/);
      return refusal('migration', /0003_third\.sql failed and was rolled back: .*selekt/)(error);
    });
    assert.deepEqual((await migrationState(db, folder)).pending, ['0003_third.sql']);
    assert.equal((await db.query({ text: `select to_regclass('c') as c` })).rows[0]?.c, null);
  });

  test('refuse a database that is newer than the code', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, two);
    await migrate(db, folder);
    rmSync(join(folder, '0002_second.sql'));
    await assert.rejects(
      migrate(db, folder),
      refusal('newer-than-code', /it has 0002_second\.sql, which this version/),
    );
    await assert.rejects(migrationState(db, folder), refusal('newer-than-code', /newer than this hems/));
  });

  test('refuse a file that was edited after it had been applied; line ends do not count', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, two);
    await migrate(db, folder);
    writeFileSync(join(folder, '0001_first.sql'), two['0001_first.sql'].replaceAll('\n', '\r\n'));
    assert.deepEqual(await migrate(db, folder), { applied: [] });
    writeFileSync(join(folder, '0001_first.sql'), `${two['0001_first.sql']}-- later\n`);
    await assert.rejects(migrate(db, folder), refusal('migration', /0001_first\.sql was changed after/));
  });

  test('may come later than one with a higher number, as branches are merged', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    const folder = folderOf(t, {
      '0001_first.sql': two['0001_first.sql'],
      '0003_third.sql': 'create table c (n int);',
    });
    assert.deepEqual(await migrate(db, folder), { applied: ['0001_first.sql', '0003_third.sql'] });
    writeFileSync(join(folder, '0002_second.sql'), two['0002_second.sql']);
    assert.deepEqual(await migrate(db, folder), { applied: ['0002_second.sql'] });
  });

  test('refuse doubles and other names', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    for (const [files, message] of [
      [{ '0001_a.sql': '', '0001_b.sql': '' }, /0001_b\.sql has a number that is there twice/],
      [{ '1-first.sql': '' }, /is not named NNNN_name\.sql/],
    ] as const)
      await assert.rejects(migrate(db, folderOf(t, files)), refusal('migration', message));
  });

  test('refuse a server older than 15', async (t) => {
    const { db } = await withDatabase(t, { migrations: false });
    const old: Queryable = {
      query: async () => ({ rows: [{ number: '140019', version: '14.19' }] as never[], count: 1 }),
    };
    const onOld: Database = { ...db, query: old.query, alone: (fn) => fn(old) };
    const tooOld = refusal('too-old', /PostgreSQL 14\.19; hems needs 15 or newer/);
    await assert.rejects(migrate(onOld, folderOf(t, two)), tooOld);
    await assert.rejects(migrationState(onOld, folderOf(t, two)), tooOld);
  });
});

describe('the schema', () => {
  test('is what migrations/schema.txt says (after a change: node test/support/write-schema.ts)', async (t) => {
    const { db } = await withDatabase(t);
    assert.equal(await dumpSchema(db), readFileSync(join(migrationsDirectory, 'schema.txt'), 'utf8'));
  });

  test('is the same on the oldest supported server', { skip: unless('postgres'), timeout: 60_000 }, async (t) => {
    const db = openPool({ url: await startOldestPostgres(t), poolSize: 2 });
    try {
      assert.ok((await migrate(db, migrationsDirectory)).applied.length > 0);
      assert.equal(await dumpSchema(db), readFileSync(join(migrationsDirectory, 'schema.txt'), 'utf8'));
    } finally {
      await db.close();
    }
  });
});
