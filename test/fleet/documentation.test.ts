import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { shippingColumns } from '../../src/fleet/shipping-record.ts';
import { registerPage, withStates } from '../support/register-page.ts';

describe('docs/register.md', () => {
  const page = readFileSync(registerPage, 'utf8');

  test('draws the states as the code has them (after a change: node test/support/write-register-page.ts)', () => {
    assert.equal(page, withStates(page));
  });

  test('names every column of a shipping file', () => {
    for (const column of shippingColumns) assert.match(page, new RegExp(`\\| \`${column}\` \\|`));
  });
});
