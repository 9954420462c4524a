import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { hems, root } from './command.ts';

/** `hems task list --state queued` → `task list`; options and what is in capitals are the reader's. */
function commandsIn(page: string): string[] {
  const parts = page.split('```');
  const blocks = parts.filter((_, i) => i % 2 === 1).flatMap((block) => block.split('\n'));
  const prose = parts.filter((_, i) => i % 2 === 0).join('\n');
  const inline = [...prose.matchAll(/`(hems [^`]+)`/g)].map(([, words = '']) => words);
  return [...blocks, ...inline]
    .map((line) => /^hems ((?:[a-z][a-z-]* ?)+)/.exec(line)?.[1]?.trim() ?? '')
    .filter((words) => words !== '');
}

describe('the commands in the runbooks', { timeout: 240_000 }, () => {
  const pages = globSync('docs/runbooks/*.md', { cwd: root });
  const where = new Map<string, string>();
  for (const page of pages)
    for (const command of commandsIn(readFileSync(join(root, page), 'utf8'))) where.set(command, basename(page));

  test('are commands of hems', async () => {
    assert.ok(where.size >= 15);
    for (const [command, page] of where) {
      const { stdout, stderr, code } = await hems([...command.split(' '), '--help']);
      assert.equal(code, 0, `${page}: hems ${command}: ${stderr}`);
      assert.ok(
        stdout.startsWith(`Usage: hems ${command} `),
        `${page}: hems ${command} is none: ${stdout.split('\n')[0]}`,
      );
    }
  });
});
