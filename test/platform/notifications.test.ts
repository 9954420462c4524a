import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openPool } from '../../src/platform/postgres.ts';
import { cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { until } from './embedded-users.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase({ migrations: false });
});
after(() => database.drop());

describe('notifications', { timeout: 30_000 }, () => {
  test('reach every listener of the channel, in order, and nobody else, until it stops', async (t) => {
    const db = openPool({ url: database.url });
    cleanup(t, () => db.close());
    const [one, two, other]: string[][] = [[], [], []];
    const stopOne = await db.listen('Fleet "A"', (payload) => one!.push(payload));
    await db.listen('Fleet "A"', (payload) => two!.push(payload));
    await db.listen('other', (payload) => other!.push(payload));
    for (const n of ['1', '2', '3']) await database.db.notify('Fleet "A"', n);
    await until(() => one!.length === 3 && two!.length === 3, 5000, 'all arrive');
    assert.deepEqual([one, two, other], [['1', '2', '3'], ['1', '2', '3'], []]);
    await stopOne();
    await database.db.notify('Fleet "A"', '4');
    await until(() => two!.length === 4, 5000, 'the other still listens');
    assert.equal(one!.length, 3);
  });

  test('are told to be down and up again when the connection breaks, and then arrive again', async (t) => {
    const db = openPool({ url: database.url, applicationName: 'listener' });
    cleanup(t, () => db.close());
    const [got, link]: [string[], string[]] = [[], []];
    await db.listen(
      'broken',
      (payload) => got.push(payload),
      (state) => link.push(state),
    );
    const { rows } = await database.db.query({
      text: `select pg_terminate_backend(pid) as done from pg_stat_activity where application_name = 'listener'`,
    });
    assert.deepEqual(rows, [{ done: true }]);
    await until(() => link.join() === 'down,up', 5000, 'down, then up');
    await database.db.notify('broken', 'again');
    await until(() => got.join() === 'again', 5000, 'arrives');
  });

  test('a handler that throws harms neither the others nor the connection', async (t) => {
    const db = openPool({ url: database.url });
    cleanup(t, () => db.close());
    const got: string[] = [];
    await db.listen('rough', () => {
      throw new Error('broken handler');
    });
    await db.listen('rough', (payload) => got.push(payload));
    await database.db.notify('rough', '1');
    await database.db.notify('rough', '2');
    await until(() => got.length === 2, 5000, 'both arrive');
  });

  test('listening on a database that cannot be reached is refused', async (t) => {
    const db = openPool({ url: 'postgresql://u@127.0.0.1:1/d' });
    cleanup(t, () => db.close());
    await assert.rejects(
      db.listen('x', () => undefined),
      { kind: 'unreachable' },
    );
  });
});
