import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { dashboardFiles, dashboards } from '../../deploy/grafana/source/all.ts';
import { databaseSource, metricsSource } from '../../deploy/grafana/source/build.ts';

const folder = resolve(import.meta.dirname, '../../deploy/grafana');

describe('the dashboards', () => {
  test('are what their sources say (after a change: node deploy/grafana/source/write.ts)', () => {
    const files = dashboardFiles();
    assert.deepEqual(readdirSync(join(folder, 'dashboards')).toSorted(), [...files.keys()].toSorted());
    for (const [name, text] of files) assert.equal(readFileSync(join(folder, 'dashboards', name), 'utf8'), text, name);
  });

  test('say of every panel what it is for', () => {
    for (const { title, rows } of dashboards)
      for (const panel of rows.flatMap(({ panels }) => panels))
        assert.ok(panel.description.endsWith('.'), `${title}: ${panel.title}`);
  });

  test('lead to evidence that the API has', () => {
    interface Operations {
      readonly get?: { readonly parameters?: readonly { readonly name: string }[] };
    }
    const { paths } = parse(readFileSync(resolve(folder, '../../openapi.yaml'), 'utf8')) as {
      paths: Record<string, Operations>;
    };
    const asked = new Map(Object.entries(paths).map(([path, { get }]) => [path.replace(/\{\w+\}/, ''), get]));
    const evidence = dashboards.flatMap(({ rows }) =>
      rows.flatMap(({ panels }) =>
        panels.flatMap((panel) => [
          ...(panel.evidence === undefined ? [] : [panel.evidence]),
          ...(panel.kind === 'table' ? Object.values(panel.links ?? {}) : []),
        ]),
      ),
    );
    assert.ok(evidence.length > 20);
    for (const link of evidence) {
      const [path, query] = link.split('?');
      const get = asked.get(`/api/v1/${path}`);
      assert.ok(get, link);
      for (const name of new URLSearchParams(query).keys())
        assert.ok(
          get.parameters?.some((parameter) => parameter.name === name),
          link,
        );
    }
  });

  test('ask the sources that are provisioned', () => {
    const { datasources } = parse(readFileSync(join(folder, 'provisioning/datasources/hems.yaml'), 'utf8')) as {
      datasources: { uid: string; type: string }[];
    };
    assert.deepEqual(
      datasources.map(({ type, uid }) => ({ type, uid })),
      [metricsSource, databaseSource],
    );
  });
});
