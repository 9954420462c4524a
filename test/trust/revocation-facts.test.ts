import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { manualClock } from '../../src/platform/clock.ts';
import { DatabaseError } from '../../src/platform/database-error.ts';
import type { Database } from '../../src/platform/postgres.ts';
import { readCrl } from '../../src/trust/revocation/crl-reader.ts';
import { createFacts } from '../../src/trust/revocation/facts.ts';
import { importEntries, liftEntry } from '../../src/trust/revocation/list-store.ts';
import {
  applyPolicy,
  currentPolicy,
  longestOverride,
  override,
  PolicyUnreadable,
  rollBackPolicy,
} from '../../src/trust/revocation/policy-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { by, now } from './world.ts';

const policy = (onUnknown: string) => ({ anchors: [{ name: 'acme', sources: [{ kind: 'uploaded-crl' }], onUnknown }] });

/** A database whose answers can be stopped. */
function breakable(db: Database) {
  const state = { broken: false };
  const gone = () => Promise.reject(new DatabaseError('unreachable', 'gone', 'wait'));
  const wrapped: Database = { ...db, query: (query) => (state.broken ? gone() : db.query(query)) };
  return { state, db: wrapped };
}

describe('what a node knows of revocation', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  function node() {
    const clock = manualClock(now);
    const { state, db } = breakable(database.db);
    const complain = (error: unknown): never => {
      throw error;
    };
    return { clock, state, facts: createFacts({ db, clock, readCrl, issuers: () => [], complain }) };
  }

  test('follows every change, and reads nothing where nothing changed', async () => {
    const { facts } = node();
    await facts.refresh();
    assert.equal(await facts.refresh(), false);
    const version = await applyPolicy(database.db, policy('deny'), by, now);
    assert.equal(await facts.refresh(), true);
    assert.equal(facts.peek()?.policy?.version, version);
    const entry = { kind: 'fingerprint', key: 'ab'.repeat(32), reason: 'unspecified', revokedAt: now } as const;
    assert.deepEqual(await importEntries(database.db, [entry, entry], 'x', by, now), { ok: true, added: 1, known: 0 });
    await facts.refresh();
    assert.equal(facts.peek()?.list.size, 1);
    assert.deepEqual(await importEntries(database.db, [entry], 'x', by, now), { ok: true, added: 0, known: 1 });
    assert.equal(await liftEntry(database.db, entry, by, now), true);
    assert.equal(await liftEntry(database.db, entry, by, now), false);
    await facts.refresh();
    assert.equal(facts.peek()?.list.size, 0);
  });

  test('is believed for five seconds after the database last confirmed it, and then asked for or refused', async () => {
    const { facts, clock, state } = node();
    await facts.current();
    state.broken = true;
    clock.advance(5000);
    await facts.current();
    clock.advance(1);
    await assert.rejects(facts.current(), DatabaseError);
    state.broken = false;
    await facts.current();
  });

  test('a rollback makes an older version the next one', async () => {
    const first = await applyPolicy(database.db, policy('quarantine'), by, now);
    await applyPolicy(database.db, policy('admit'), by, now);
    const third = await rollBackPolicy(database.db, first, by, now);
    const current = await currentPolicy(database.db);
    assert.deepEqual(
      [current?.version, current?.restores, current?.document.anchors[0]?.onUnknown],
      [third, first, 'quarantine'],
    );
    assert.equal(await rollBackPolicy(database.db, 9999, by, now), undefined);
  });

  test('an override of more than 24 hours is refused by code and database alike', async () => {
    const until = new Date(now.getTime() + longestOverride + 1);
    assert.throws(() => void override(database.db, until, by, now), RangeError);
    const values = [now, until];
    const text = `insert into revocation_overrides (at, until, made_by, reason) values ($1, $2, 'x', 'y')`;
    await assert.rejects(database.db.query({ text, values }));
  });

  test('policies, overrides and the audit of changes are append-only', async () => {
    await override(database.db, now, by, now);
    for (const table of ['revocation_policies', 'revocation_overrides', 'revocation_changes'])
      for (const text of [`delete from ${table}`, `truncate ${table} cascade`])
        await assert.rejects(database.db.query({ text }), /append-only/, text);
  });

  test('a stored policy that cannot be read any more is no policy to guess: nobody is judged by it', async () => {
    const { facts } = node();
    await applyPolicy(database.db, { anchors: 'all' }, by, now);
    await assert.rejects(facts.current(), PolicyUnreadable);
    await applyPolicy(database.db, policy('deny'), by, now);
    await facts.current();
  });
});
