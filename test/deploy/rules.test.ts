import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { peer, unless } from '../support/peers.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'deploy/prometheus');
const run = promisify(execFile);

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const parsed = parse(readFileSync(join(folder, 'rules.yaml'), 'utf8')) as { groups: { rules: Rule[] }[] };
const { groups } = parsed;
const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);

describe('the alerts', () => {
  for (const { alert = '', labels, annotations } of alerts)
    test(`${alert} has a severity, says what it is, and has a runbook with meaning, evidence and remedy`, () => {
      assert.match(labels?.severity ?? '', /^(critical|warning|info|none)$/);
      assert.ok(annotations?.summary && annotations.description);
      assert.equal(annotations?.runbook_url, `docs/runbooks/${alert}.md`);
      const page = readFileSync(join(root, annotations.runbook_url), 'utf8');
      for (const heading of [`# ${alert}`, '## What it means', '## See the evidence', '## What to do'])
        assert.ok(page.includes(`${heading}\n`), heading);
      for (const [, link = ''] of page.matchAll(/\]\((\w+\.md)\)/g))
        assert.ok(existsSync(join(root, 'docs/runbooks', link)), link);
    });

  test('have absolute links once the command at the head of the file was run', async () => {
    const [, script = ''] =
      /^# {3}sed '([^']+)' rules\.yaml/m.exec(readFileSync(join(folder, 'rules.yaml'), 'utf8')) ?? [];
    const { stdout } = await run('sed', [script, join(folder, 'rules.yaml')]);
    const made = (parse(stdout) as typeof parsed).groups.flatMap(({ rules }) => rules);
    for (const { alert, annotations } of made.filter((rule) => rule.alert !== undefined))
      assert.equal(annotations?.runbook_url, `https://wiki.example.com/hems/${alert}.md`);
  });

  test('have no runbook too many', () => {
    const pages = globSync('docs/runbooks/*.md', { cwd: root }).map((page) => basename(page, '.md'));
    assert.deepEqual(pages.toSorted(), alerts.map(({ alert }) => alert ?? '').toSorted());
  });

  test('none looks at strangers without our cells beside', () => {
    for (const { alert, expr } of alerts.filter(({ expr: text }) => text.includes('peer="stranger"')))
      assert.match(expr, /peer="stranger".* and .*outcome="admitted"/, alert);
    // Whatever counts decisions names whose.
    for (const { alert, expr } of alerts)
      for (const [selector] of expr.matchAll(/hems_trust_decisions_total\{[^}]*\}/g))
        assert.match(selector, /peer="(known|stranger)"|outcome="admitted"/, alert);
  });
});

test('promtool accepts the rules', { skip: unless('promtool') }, async () => {
  const { stdout } = await run(peer('promtool') ?? '', ['check', 'rules', join(folder, 'rules.yaml')]);
  assert.match(stdout, /SUCCESS/);
});

test('promtool’s own tests of the rules pass: strangers alone fire nothing', { skip: unless('promtool') }, async () => {
  const { stdout } = await run(peer('promtool') ?? '', ['test', 'rules', join(folder, 'rules.test.yaml')]);
  assert.match(stdout, /SUCCESS/);
});

test('promtool accepts the scrape configuration', { skip: unless('promtool') }, async () => {
  const { stdout } = await run(peer('promtool') ?? '', ['check', 'config', join(folder, 'prometheus.yaml')]);
  assert.match(stdout, /SUCCESS/);
});
