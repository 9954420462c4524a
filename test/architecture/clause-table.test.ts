import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** Rows of the table below this heading, without head and rule. */
function rowsBelow(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
}

/** `src/room/file.ts: name` as written in a cell. */
function placesIn(cell: string): { file: string; name: string }[] {
  return [...cell.matchAll(/`([^`:]+): ([^`]+)`/g)].map(([, file = '', name = '']) => ({ file, name }));
}

describe('the clause table of the README', () => {
  const rows = rowsBelow('TS 33.320, clause by clause');

  test('has rows for every clause that concerns the H(e)MS', () => {
    assert.deepEqual([...new Set(rows.map(([clause]) => clause))], ['7.2.2', '8.3.2.1', '8.3.4']);
    assert.ok(rows.length >= 12);
  });

  for (const [clause = '', what = '', enforced = '', held = ''] of rows)
    test(`${clause} ${what}: the code and the tests that it names are there`, () => {
      const [code, tests] = [placesIn(enforced), placesIn(held)];
      assert.ok(code.length > 0 && tests.length > 0);
      assert.ok(code.every(({ file }) => file.startsWith('src/')));
      assert.ok(tests.every(({ file }) => /^test\/.*\.test\.ts$/.test(file)));
      for (const { file, name } of [...code, ...tests]) {
        assert.ok(existsSync(join(root, file)), `there is no ${file}`);
        const text = readFileSync(join(root, file), 'utf8');
        assert.ok(text.includes(name), `${file} has no ${name}`);
      }
    });
});

test('the README keeps no place for what was to come', () => {
  const places = [...readme.matchAll(/<!-- ([\w ]+) -->/g)].map(([, name]) => name);
  assert.deepEqual(
    places.filter((name) => name !== 'bench'),
    [],
  );
});
