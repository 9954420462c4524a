import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualClock, systemClock } from '../../src/platform/clock.ts';
import { uuidv7, uuidv7At } from '../../src/platform/ids.ts';

describe('ids', () => {
  test('are UUIDs of version 7 with the time in front', () => {
    const clock = manualClock(new Date(0x0123_4567_89ab));
    for (let i = 0; i < 1000; i += 1)
      assert.match(uuidv7(clock), /^01234567-89a[b-f]-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('are of the time of what they are for', () => {
    for (let i = 0; i < 1000; i += 1)
      assert.match(uuidv7At(new Date(0x0123_4567_89ab)), /^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('increase strictly, however many a millisecond, and across small steps back of the clock', () => {
    const clock = manualClock(new Date('2026-05-01T00:00:00Z'));
    let last = '';
    for (let i = 0; i < 20_000; i += 1) {
      if (i % 1000 === 0) clock.advance(i % 2000 === 0 ? 1 : -40);
      const id = uuidv7(clock);
      assert.ok(id > last, `${last} then ${id}`);
      last = id;
    }
  });

  test('follow the clock when it was plainly wrong', () => {
    const clock = manualClock(new Date('2040-01-01T00:00:00Z'));
    uuidv7(clock);
    clock.set(new Date('2026-05-01T00:00:00Z'));
    const milliseconds = Number.parseInt(uuidv7(clock).replace('-', '').slice(0, 12), 16);
    assert.equal(new Date(milliseconds).getUTCFullYear(), 2026);
  });

  test('do not repeat', () => {
    const ids = Array.from({ length: 50_000 }, () => uuidv7(systemClock));
    assert.equal(new Set(ids).size, ids.length);
  });
});
