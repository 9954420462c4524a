import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createIdempotency, forgetKeys, keyLife } from '../../src/platform/idempotency.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLogger } from '../../src/platform/telemetry.ts';
import { withDatabase } from '../support/database.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const logger = createLogger('silent');

const named = (key: string, caller = 'a', request = 'r') => ({
  ...{ caller, operation: 'make' },
  ...{ key: digest(key), request: digest(request) },
});

test('a claim is renewed for as long as it is worked on, however short its lease', async (t) => {
  const { db } = await withDatabase(t);
  const keys = createIdempotency({ db, clock: systemClock, logger, leaseMs: 300 });
  const claimed = await keys.claim(named('k'));
  assert.ok(claimed.kind === 'claimed');
  for (let i = 0; i < 5; i += 1) {
    await sleep(150);
    assert.equal((await keys.claim(named('k'))).kind, 'working');
  }
  await claimed.claim.release();
  const next = await keys.claim(named('k'));
  assert.ok(next.kind === 'claimed');
  await next.claim.settle({ status: 201, headers: { Location: '/x' }, answer: '{"b":1,"a":2}' });
  // Whoever lost a claim changes nothing of what came after.
  await claimed.claim.settle({ status: 500, headers: {} });
  const settled = await keys.claim(named('k'));
  assert.deepEqual(settled.kind === 'settled' && [settled.answer.status, settled.answer.answer], [
    201,
    '{"b":1,"a":2}',
  ]);
});

test('keys are known for a day, and no more than so many of one caller', async (t) => {
  const { db } = await withDatabase(t);
  const at = new Date();
  let now = at;
  const clock = { ...systemClock, now: () => now };
  const keys = createIdempotency({ db, clock, logger });
  const settle = async (key: string, caller: string): Promise<void> => {
    const claimed = await keys.claim(named(key, caller));
    assert.ok(claimed.kind === 'claimed');
    await claimed.claim.settle({ status: 201, headers: {}, answer: '{}' });
  };
  for (let i = 0; i < 5; i += 1) {
    now = new Date(at.getTime() + i);
    await settle(String(i), 'many');
  }
  await settle('0', 'one');
  await forgetKeys({ db, clock }, 3);
  const kinds = [];
  for (let i = 0; i < 5; i += 1) kinds.push((await keys.claim(named(String(i), 'many', 'other'))).kind);
  assert.deepEqual(kinds, ['claimed', 'claimed', 'different', 'different', 'different'], 'the oldest are forgotten');
  assert.equal((await keys.claim(named('0', 'one'))).kind, 'settled');
  now = new Date(at.getTime() + keyLife + 1000);
  assert.equal((await keys.claim(named('0', 'one', 'other'))).kind, 'claimed', 'its day is over before it is swept');
  await forgetKeys({ db, clock });
  const { rows } = await db.query<{ count: number }>({
    text: 'select count(*)::int as count from idempotency_keys where claimed_until is null',
  });
  assert.equal(rows[0]?.count, 0);
});
