import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { development, hems, json, testFolder } from './command.ts';

describe('hems certificate survey', () => {
  test('asks the database, and says that nobody came yet', { timeout: 120_000 }, async (t) => {
    const env = development(testFolder(t));
    const machine = await hems(['certificate', 'survey', '--json'], { env, withinMs: 60_000 });
    assert.equal(machine.code, 0, machine.stderr);
    assert.deepEqual(json(machine), { anchors: [], unkept: 0 });
    const person = await hems(['certificate', 'survey', '--profile', 'rfc5280'], { env, withinMs: 60_000 });
    assert.equal(person.stdout, 'No certificate was shown yet.\n');
  });
});
