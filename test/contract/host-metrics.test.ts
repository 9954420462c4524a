import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanup } from '../support/cleanup.ts';
import { openManagementStage } from './management-stage.ts';

test('/metrics of a worker are those of its host, and a 503 where these are not to be had, never its own alone', async (t) => {
  let page = async (): Promise<string> => 'hems_of_the_host 7\n';
  const stage = await openManagementStage(undefined, { host: { page: () => page() } });
  cleanup(t, () => stage.stop());
  const there = await fetch(`${stage.url}/metrics`);
  assert.equal(there.status, 200);
  assert.match(there.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.equal(await there.text(), 'hems_of_the_host 7\n');

  page = () => Promise.reject(new Error('the supervisor is gone'));
  const away = await fetch(`${stage.url}/metrics`);
  assert.equal(away.status, 503);
  assert.equal(away.headers.get('content-type')?.split(';')[0], 'application/problem+json');
  assert.ok(!(await away.text()).includes('supervisor'));
});
