import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { dashboards } from '../../deploy/grafana/source/all.ts';
import { rulesFile } from '../../src/cli/prometheus.ts';
import { askNow, substituted, substitutedSql } from '../support/panel-answers.ts';
import { unless } from '../support/peers.ts';
import { until } from './evidence.ts';
import { openWatchedDemo, type WatchedDemo } from './watched-demo.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
}

const rules = (parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: Rule[] }[] }).groups
  .flatMap((group) => group.rules)
  .filter(({ alert }) => alert !== 'HemsWatchdog');
const panels = dashboards.flatMap(({ title, rows }) =>
  rows.flatMap((row) => row.panels.map((panel) => ({ name: `${title}: ${panel.title}`, panel }))),
);

describe('beside the demo fleet and a real Prometheus', { skip: unless('prometheus'), timeout: 900_000 }, () => {
  let demo: WatchedDemo;
  before(async () => {
    demo = await openWatchedDemo(15);
  });
  after(() => demo?.stop());

  for (const { name, panel } of panels)
    test(`${name} has data`, async () => {
      if (panel.kind === 'table') {
        const { rows, fields } = await demo.readonly.query(substitutedSql(panel.sql));
        assert.ok(rows.length > 0, 'no rows');
        const columns = fields.map((field) => field.name);
        for (const column of Object.keys(panel.links ?? {})) assert.ok(columns.includes(column), column);
      } else
        for (const { expr } of panel.metrics) {
          const asked = () => askNow(demo.prometheus, substituted(expr));
          await until(asked, ({ length }) => length > 0, `something comes of ${substituted(expr)}`, 60_000);
        }
    });

  for (const { alert, record, expr } of rules)
    test(`${record ?? alert}: everything that it selects is there`, async () => {
      // A rule that evaluates to nothing is a good sign in an alert, so it is what it selects that has to be there.
      const selectors = record
        ? [record]
        : [...expr.matchAll(/\b(?:hems_\w+|up)(?:\{[^}]*\})?/g)].map(([text]) => text);
      assert.ok(selectors.length > 0);
      for (const selector of selectors) {
        // A rate takes two looks and the rule an evaluation after them, which a busy machine makes wait.
        const selected = () => askNow(demo.prometheus, selector);
        await until(selected, ({ length }) => length > 0, `something is selected by ${selector}`, 60_000);
      }
      await askNow(demo.prometheus, expr);
    });

  test('the role of the dashboards reads the views and nothing else', async () => {
    for (const table of ['devices', 'device_parameters', 'api_keys', 'tasks', 'nodes', 'ocsp_answers'])
      await assert.rejects(demo.readonly.query(`select * from public.${table}`), /permission denied/, table);
    await assert.rejects(demo.readonly.query('delete from report.tasks'), /permission denied/);
  });
});
