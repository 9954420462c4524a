import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { roleNames } from '../../src/trust/access/roles.ts';
import { cleanup } from '../support/cleanup.ts';
import { described } from './contract.ts';
import { openManagementStage } from './management-stage.ts';

const paths = ['/api/docs', '/api/openapi.json', '/api/openapi.yaml'];

test('the page shows every operation, runs nothing and fetches nothing', async (t) => {
  const stage = await openManagementStage();
  cleanup(t, () => stage.stop());
  const answer = await fetch(`${stage.url}/api/docs`);
  assert.equal(answer.status, 200);
  const page = await answer.text();
  for (const { operationId, path } of described.filter((one) => one.path.startsWith('/api/'))) {
    assert.ok(page.includes(`<article id="${operationId}">`), operationId);
    assert.ok(page.includes(path), path);
  }
  assert.doesNotMatch(page, /<script|<iframe|<link|<img|<form|javascript:|\son\w+=|@import|url\(/i);
  assert.doesNotMatch(page, /(href|src)="(?!#)/);
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = answer.headers.get('content-security-policy') ?? '';
  assert.match(policy, /^default-src 'none'; /);
  assert.ok(policy.includes(`style-src 'sha256-${hash}'`));
  assert.doesNotMatch(policy, /unsafe/);
});

test('the contract that is served is the one that is committed', async (t) => {
  const stage = await openManagementStage();
  cleanup(t, () => stage.stop());
  const served = await (await fetch(`${stage.url}/api/openapi.yaml`)).text();
  const committed = readFileSync(join(import.meta.dirname, '../../openapi.yaml'), 'utf8');
  assert.equal(served, committed.slice(committed.indexOf('\n') + 1));
  const json = (await (await fetch(`${stage.url}/api/openapi.json`)).json()) as { paths: object };
  assert.equal(Object.keys(json.paths).length, new Set(described.map(({ path }) => path)).size);
});

test('where it wants a key, nobody sees it without one, and every role does', async (t) => {
  const stage = await openManagementStage(undefined, { documentation: 'key' });
  cleanup(t, () => stage.stop());
  for (const path of paths) {
    assert.equal((await stage.ask(path)).status, 401, path);
    for (const role of roleNames) assert.equal((await stage.ask(path, { key: stage.of[role] })).status, 200, path);
    assert.equal((await stage.ask(path, { key: stage.north.viewer })).status, 200, path);
  }
});
