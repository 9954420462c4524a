import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parseScript } from '../../src/simulator/script.ts';

describe('a script', () => {
  test('the one of the page is one', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/simulator.md'), 'utf8');
    const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const parsed = parseScript(text);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    assert.equal(parsed.script.steps.length, 10);
  });

  test('what is wrong is named', () => {
    for (const [text, message] of [
      ['steps: []', /^steps: /],
      ['steps: [{ after: soon }]', /^steps\.0\.after: /],
      ['steps: [{ upload: "http://f.example/" }]', /^steps\.0\.upload: /],
      ['steps: [{ sing: true }]', /sing/],
      ['a: [', /./],
    ] as const) {
      const parsed = parseScript(text);
      assert.ok(!parsed.ok);
      assert.match(parsed.message, message);
    }
  });
});
