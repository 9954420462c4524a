import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { Registry } from 'prom-client';
import { DatabaseError, databaseLabel } from '../../src/platform/database-error.ts';
import { openPool } from '../../src/platform/postgres.ts';
import { cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase({ migrations: false });
});
after(() => database.drop());

function withParts(change: (url: URL) => void): string {
  const url = new URL(database.url);
  change(url);
  return url.href;
}

async function faultAt(url: string): Promise<DatabaseError> {
  const db = openPool({ url, connectTimeout: 300 });
  try {
    await db.query({ text: 'select 1' });
  } catch (error) {
    assert.ok(error instanceof DatabaseError, String(error));
    return error;
  } finally {
    await db.close();
  }
  return assert.fail('the query succeeded');
}

describe('a database that cannot be used is told apart', { timeout: 30_000 }, () => {
  test('nobody listens', async () => {
    const fault = await faultAt('postgresql://u:geheim@127.0.0.1:1/d');
    assert.equal(fault.kind, 'unreachable');
    assert.match(fault.message, /d at 127\.0\.0\.1:1 cannot be reached: connect ECONNREFUSED/);
    assert.match(fault.remedy, /DATABASE_URL/);
    assert.doesNotMatch(`${fault.message} ${fault.remedy}`, /geheim/);
  });

  test('a host without an address, a socket that is not there', async () => {
    assert.equal((await faultAt('postgresql://u@no-such-host.invalid/d')).kind, 'unreachable');
    assert.equal((await faultAt('postgresql://u@localhost/d?host=/nowhere')).kind, 'unreachable');
  });

  test('somebody listens and says nothing', async (t) => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
    cleanup(t, () => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    assert.equal((await faultAt(`postgresql://u@127.0.0.1:${port}/d`)).kind, 'unreachable');
  });

  test('the user is refused', async () => {
    const fault = await faultAt(withParts((url) => (url.username = 'nobody_we_know')));
    assert.equal(fault.kind, 'authentication');
    assert.match(fault.message, /nobody_we_know/);
  });

  test('the database does not exist', async () => {
    const fault = await faultAt(withParts((url) => (url.pathname = '/no_such_database')));
    assert.equal(fault.kind, 'no-such-database');
  });

  test('the pool is used up', async (t) => {
    const db = openPool({ url: database.url, poolSize: 1, connectTimeout: 100 });
    cleanup(t, () => db.close());
    const slow = db.query({ text: 'select pg_sleep(0.5)' });
    await assert.rejects(db.query({ text: 'select 1' }), { kind: 'busy' });
    await slow;
  });

  test('labels never show a password', () => {
    assert.equal(databaseLabel('postgresql://u:geheim@db.example:6543/hems'), 'hems at db.example:6543');
    assert.equal(databaseLabel('postgresql://u:geheim@localhost/hems?host=%2Frun%2Fpg'), 'hems at /run/pg');
    for (const mistyped of ['u:geheim@', 'postgresql://u:12/geheim@db/hems', 'postgresql://u:/geheim@db/hems', ''])
      assert.equal(databaseLabel(mistyped), 'the configured URL');
  });
});

describe('a query', { timeout: 30_000 }, () => {
  test('answers int8 as number, days and decimals as text, instants as Date', async () => {
    const { rows, count } = await database.db.query({
      text: `select 5000000000::int8 as big, '2026-01-31'::date as day, 1.10::numeric as decimal,
        '2026-01-31T00:00:00Z'::timestamptz as at`,
    });
    assert.deepEqual(
      [rows, count],
      [[{ big: 5_000_000_000, day: '2026-01-31', decimal: '1.10', at: new Date('2026-01-31T00:00:00Z') }], 1],
    );
  });

  test("that the server refuses keeps the server's own error, and the connection", async (t) => {
    const db = openPool({ url: database.url, poolSize: 1 });
    cleanup(t, () => db.close());
    const pid = async () => (await db.query({ text: 'select pg_backend_pid() as pid' })).rows[0]?.pid;
    const before = await pid();
    await assert.rejects(db.query({ text: 'select 1/0' }), { code: '22012' });
    assert.equal(await pid(), before);
  });

  test('that takes too long is ended by the server', async (t) => {
    const db = openPool({ url: database.url, statementTimeout: 100 });
    cleanup(t, () => db.close());
    await assert.rejects(db.query({ text: 'select pg_sleep(10)' }), { code: '57014' });
  });

  test('whose connection breaks is reported as unreachable, and the next one works', async (t) => {
    const db = openPool({ url: database.url, poolSize: 1, applicationName: 'victim' });
    cleanup(t, () => db.close());
    const victim = db.query({ text: 'select pg_sleep(10)' }).catch((error: unknown) => error);
    const kill = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and state = 'active'`;
    while ((await database.db.query({ text: kill })).count === 0);
    const error = await victim;
    assert.ok(error instanceof DatabaseError && error.kind === 'unreachable', String(error));
    assert.equal((await db.query({ text: 'select 1' })).count, 1);
  });

  test('that is prepared survives a migration that changes what it answers', async (t) => {
    const { db } = database;
    await db.query({ text: 'create table shape (a int)' });
    cleanup(t, () => db.query({ text: 'drop table shape' }));
    const all = { name: 'test_shape', text: 'select * from shape where $1', values: [true] };
    const pool = openPool({ url: database.url, poolSize: 1 });
    cleanup(t, () => pool.close());
    await pool.query(all);
    await db.query({ text: 'alter table shape add b text' });
    assert.deepEqual((await pool.query(all)).rows, []);
  });

  test('is measured, and the pool can be seen', async (t) => {
    const metrics = new Registry();
    const db = openPool({ url: database.url, metrics });
    cleanup(t, () => db.close());
    await db.query({ text: 'select 1' });
    const text = await metrics.metrics();
    assert.match(text, /^hems_platform_query_seconds_count 1$/m);
    assert.match(text, /^hems_platform_database_connections\{state="idle"\} 1$/m);
  });
});

describe('a transaction', { timeout: 30_000 }, () => {
  test('is carried out as a whole or not at all', async (t) => {
    const { db } = database;
    await db.query({ text: 'create table accounts (n int)' });
    cleanup(t, () => db.query({ text: 'drop table accounts' }));
    const answer = await db.transaction(async (tx) => {
      await tx.query({ text: 'insert into accounts values (1)' });
      return 'done';
    });
    assert.equal(answer, 'done');
    const fault = new Error('changed my mind');
    await assert.rejects(
      db.transaction(async (tx) => {
        await tx.query({ text: 'insert into accounts values (2)' });
        throw fault;
      }),
      fault,
    );
    assert.deepEqual((await db.query({ text: 'select n from accounts' })).rows, [{ n: 1 }]);
  });

  test('whose commit is refused rejects', async (t) => {
    const { db } = database;
    await db.query({ text: 'create table late (n int, unique (n) deferrable initially deferred)' });
    cleanup(t, () => db.query({ text: 'drop table late' }));
    await assert.rejects(
      db.transaction((tx) => tx.query({ text: 'insert into late values (1), (1)' })),
      { code: '23505' },
    );
    assert.equal((await db.query({ text: 'select 1 from late' })).count, 0);
  });
});

describe('a named statement', { timeout: 30_000 }, () => {
  const open = (t: TestContext) => {
    const db = openPool({ url: database.url, poolSize: 1 });
    cleanup(t, () => db.close());
    return db;
  };

  test('answers the same the first time and afterwards: types, nulls, no rows, no columns', async (t) => {
    const db = open(t);
    const ask = (values: unknown[]) =>
      db.query({
        name: 'all_kinds',
        text: `select $1::int8 as n, $2::timestamptz as at, $3::bytea as bytes, $4::text[] as list, $5::jsonb as json
                 where $1 is distinct from 7`,
        values,
      });
    const at = new Date('2026-01-02T03:04:05.678Z');
    for (let i = 0; i < 3; i++) {
      const { rows, count } = await ask([5, at, Buffer.of(0, 255), ['a"', '{}'], { x: [1] }]);
      assert.deepEqual(rows, [{ n: 5, at, bytes: Buffer.of(0, 255), list: ['a"', '{}'], json: { x: [1] } }]);
      assert.equal(count, 1);
      assert.deepEqual((await ask([7, null, null, null, null])).rows, []);
      const [empty] = (await ask([null, null, null, null, null])).rows;
      assert.deepEqual(empty, { n: null, at: null, bytes: null, list: null, json: null });
    }
    await db.query({ text: 'create temp table counted (n int)' });
    for (let i = 1; i < 4; i++) {
      const { rows, count } = await db.query({
        name: 'insert_some',
        text: 'insert into counted select generate_series(1, $1::int)',
        values: [i],
      });
      assert.deepEqual([rows, count], [[], i]);
    }
  });

  test('that the server refuses can be tried again, and keeps its connection', async (t) => {
    const db = open(t);
    const divide = (by: number) =>
      db.query<{ r: number }>({ name: 'divide', text: 'select 10 / $1::int as r', values: [by] });
    for (let i = 0; i < 2; i++) {
      await assert.rejects(divide(0), { code: '22012' });
      assert.equal((await divide(5)).rows[0]?.r, 2);
    }
    assert.equal(db.pool.totalCount, 1);
  });

  test('has one text', async (t) => {
    const db = open(t);
    await db.query({ name: 'one', text: 'select 1 as n' });
    await assert.rejects(db.query({ name: 'one', text: 'select 2 as n' }), /two statements are named one/);
  });

  test('waits its turn when the connections are all lent, and is served as they come back', async (t) => {
    const db = open(t);
    const answers = await Promise.all(
      [...Array(20).keys()].map((n) =>
        n % 5 === 0
          ? db.transaction(async (tx) => (await tx.query<{ n: number }>({ text: `select ${n} as n` })).rows)
          : db
              .query<{ n: number }>({ name: 'echo', text: 'select $1::int as n', values: [n] })
              .then(({ rows }) => rows),
      ),
    );
    assert.deepEqual(
      answers,
      [...Array(20).keys()].map((n) => [{ n }]),
    );
    assert.equal(db.pool.totalCount, 1);
  });
});
