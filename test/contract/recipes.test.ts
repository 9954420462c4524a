import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type ManagementStage, openManagementStage } from './management-stage.ts';

const run = promisify(execFile);
const page = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
/** A recipe may go on behind a backslash. */
const recipes = page
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.startsWith('curl '));
const curl = await run('curl', ['--version']).then(
  () => undefined,
  () => 'curl is not installed',
);

describe('the recipes of docs/api.md', () => {
  let stage: ManagementStage;
  before(async () => {
    stage = await openManagementStage();
  });
  after(() => stage.stop());

  test('there are some', () => assert.ok(recipes.length >= 5));

  for (const recipe of recipes)
    test(recipe, { ...(curl !== undefined && { skip: curl }) }, async () => {
      const { stdout } = await run('sh', ['-c', `${recipe} -w '\\n%{http_code} %{content_type}'`], {
        cwd: join(import.meta.dirname, '../..'),
        env: { ...process.env, HEMS_KEY: stage.of.administrator, HEMS_URL: stage.url, DEVICE: stage.devices[0] },
      });
      const lines = stdout.trimEnd().split('\n');
      assert.match(lines.at(-1) ?? '', /^20[0-9] /, stdout);
      if (/[/+]json/.test(lines.at(-1) ?? '')) JSON.parse(lines.slice(0, -1).join('\n'));
    });
});
