import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { ensurePartitions } from '../../src/fleet/partitions.ts';
import { createRegister } from '../../src/fleet/register.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { type Database, openPool } from '../../src/platform/postgres.ts';
import { createSecretStore } from '../../src/platform/secrets.ts';
import { readWrappingKeys } from '../../src/platform/wrapping-keys.ts';
import { verifyEvidence } from '../../src/trust/evidence-verify.ts';
import { cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { by, newIdentity } from './world.ts';

const newKey = (): string => randomBytes(32).toString('base64');

describe('secrets at rest', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  test('are wrapped, bound to their name, and read by the key alone', async () => {
    const { db } = database;
    const key = newKey();
    const store = createSecretStore(db, readWrappingKeys(key));
    assert.equal(await store.write('webhook', Buffer.from('swordfish')), true);
    const { rows } = await db.query<{ all: string }>({ text: `select encode(wrapped, 'escape') as all from secrets` });
    assert.doesNotMatch(rows[0]?.all ?? 'swordfish', /swordfish/);
    assert.deepEqual(await store.read('webhook'), { kind: 'found', secret: Buffer.from('swordfish') });
    assert.equal((await createSecretStore(db, readWrappingKeys(newKey())).read('webhook')).kind, 'not_readable');
    await db.query({
      text: `insert into secrets select 'other', key_id, nonce, wrapped from secrets where name = 'webhook'`,
    });
    assert.equal((await store.read('other')).kind, 'not_readable');
    await db.query({ text: `delete from secrets where name = 'other'` });
    const bare = createSecretStore(db, undefined);
    assert.deepEqual([await bare.write('x', Buffer.from('y')), (await bare.read('webhook')).kind], [false, 'no_key']);
  });

  test('are wrapped anew by one call, and stay as they are if one of them cannot be opened', async () => {
    const { db } = database;
    await db.query({ text: 'delete from secrets' });
    const [old, fresh] = [newKey(), newKey()];
    const before = createSecretStore(db, readWrappingKeys(old));
    for (const name of ['a', 'b']) await before.write(name, Buffer.from(name));
    const both = createSecretStore(db, readWrappingKeys(`${fresh}\n${old}`));
    assert.deepEqual(await both.rotate(), { rewrapped: 2, unreadable: [] });
    assert.deepEqual(await both.rotate(), { rewrapped: 0, unreadable: [] });
    assert.equal((await createSecretStore(db, readWrappingKeys(fresh)).read('a')).kind, 'found');
    assert.equal((await before.read('a')).kind, 'not_readable');
    assert.deepEqual((await before.rotate()).unreadable, ['a', 'b']);
  });

  test('need keys of 32 bytes, in base64 or hexadecimal', () => {
    const bytes = randomBytes(32);
    for (const text of [
      bytes.toString('hex'),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      ` ${newKey()},${newKey()}\n`,
    ])
      assert.ok(readWrappingKeys(text), text);
    for (const text of ['', 'secret', randomBytes(16).toString('hex'), `${newKey()},x`])
      assert.equal(readWrappingKeys(text), undefined, text);
  });
});

describe('the roles of the database', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
    await ensurePartitions(database.db);
    const register = createRegister({ db: database.db, clock: manualClock(new Date()) });
    const identity = newIdentity();
    await register.add({ identity }, by);
  });
  after(() => database.drop());

  function as(t: TestContext, role: string): Database {
    const db = openPool({ url: database.url, poolSize: 2, role });
    cleanup(t, () => db.close());
    return db;
  }

  const denied = (error: unknown): boolean => (error as { code?: string }).code === '42501';

  test('the service writes evidence and reads it, and can neither change nor delete nor forge its end', async (t) => {
    const service = as(t, 'hems_service');
    const register = createRegister({ db: service, clock: manualClock(new Date()) });
    const identity = newIdentity();
    const added = await register.add({ identity }, by);
    assert.ok(added.ok && (await register.block(added.deviceId, by)).ok);
    assert.equal((await verifyEvidence(service)).findings.length, 0);
    for (const table of ['admissions', 'changes', 'refusals', 'refusal_summaries', 'suspicions', 'audit_checkpoints'])
      for (const text of [`update ${table} set at = at`, `delete from ${table}`, `truncate ${table}`])
        await assert.rejects(
          service.query({
            text: text.replace('set at = at', table === 'refusal_summaries' ? 'set minute = minute' : 'set at = at'),
          }),
          denied,
          text,
        );
    for (const text of [
      'update audit_chains set link = 0',
      'delete from audit_chains',
      `select * from append_link('changes', 'x')`,
      'alter table changes disable trigger user',
      'drop table changes',
      'select grant_privileges()',
      `delete from hems_migration`,
    ])
      await assert.rejects(service.query({ text }), denied, text);
    const { rows } = await database.db.query<{ name: string }>({
      text: 'select distinct tableoid::regclass::text as name from changes',
    });
    for (const { name } of rows) await assert.rejects(service.query({ text: `delete from ${name}` }), denied, name);
  });

  test('reports see views, without keys, parameters or anything that can be written', async (t) => {
    const reader = as(t, 'hems_readonly');
    const { rows } = await reader.query({ text: `select * from report.devices` });
    assert.ok(rows.length > 0);
    for (const table of [
      'devices',
      'device_parameters',
      'secrets',
      'changes',
      'certificate_chains',
      'audit_checkpoints',
    ])
      await assert.rejects(reader.query({ text: `select * from ${table}` }), denied, table);
    await assert.rejects(reader.query({ text: `delete from report.identities` }), denied);
    const found = await database.db.query<{ name: string }>({
      text: `select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'report'`,
    });
    assert.deepEqual(
      found.rows.filter(({ name }) => /secret|wrapped|password|parameter|nonce|spki|note/.test(name)),
      [],
    );
  });
});
