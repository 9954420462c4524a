import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keptKey } from '../../src/northbound/idempotency.ts';

describe('an Idempotency-Key as it is kept', () => {
  const longest = '~'.repeat(150);

  test('fits, however long the name of the caller is, and is of one caller and one key', () => {
    const callers = ['0123456789abcdef', `certificate:${'ab'.repeat(32)}`, `operator:${'s'.repeat(255)}`];
    const kept = callers.flatMap((keyId) => [keptKey({ keyId }, 'a'), keptKey({ keyId }, longest)]);
    assert.ok(kept.every((key) => key.length <= 200));
    assert.equal(new Set(kept).size, kept.length);
    assert.equal(keptKey({ keyId: callers[2] ?? '' }, longest), kept.at(-1));
  });
});
