import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { cleanup } from '../support/cleanup.ts';
import { createTestDatabase } from '../support/database.ts';
import { hems, json, testFolder } from './command.ts';

test('the audit is signed, taken out, verified, and kept readable when the wrapping key changes', async (t) => {
  const database = await createTestDatabase();
  cleanup(t, () => database.drop());
  const folder = testFolder(t);
  const config = join(folder, 'hems.yaml');
  writeFileSync(config, stringify({ audit: { checkpointFile: 'checkpoints.jsonl' } }));
  const [old, fresh] = await Promise.all([hems(['secret', 'key']), hems(['secret', 'key'])]);
  const run = (key: string | undefined, ...args: string[]) =>
    hems([...args, '--config', config], {
      env: { DATABASE_URL: database.url, ...(key !== undefined && { HEMS_SECRET_KEY: key }) },
    });
  const add = ['device', 'add', '--anchor', 'acme', '--identity', '00a0bc000001.hnb.acme.example'];
  assert.equal((await run(undefined, ...add)).code, 0);

  const unsigned = await run(undefined, 'audit', 'checkpoint');
  assert.deepEqual([unsigned.code, /HEMS_SECRET_KEY is not set/.test(unsigned.stderr)], [3, true]);
  const wrong = await run('swordfish', 'audit', 'checkpoint');
  assert.equal(wrong.code, 2);
  assert.doesNotMatch(`${wrong.stdout}${wrong.stderr}`, /swordfish/);

  const signed = await run(old.stdout.trim(), 'audit', 'checkpoint', '--json');
  assert.equal(signed.code, 0, signed.stderr);
  const file = join(folder, 'checkpoints.jsonl');
  assert.match(json<{ exportedTo: string }>(signed).exportedTo, /checkpoints\.jsonl$/);
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 1);

  assert.equal((await run(fresh.stdout.trim(), 'audit', 'checkpoint')).code, 3, 'another key opens nothing');
  const both = `${fresh.stdout.trim()},${old.stdout.trim()}`;
  assert.deepEqual(json<{ rewrapped: number }>(await run(both, 'secret', 'rotate', '--json')).rewrapped, 1);
  assert.equal((await run(fresh.stdout.trim(), 'audit', 'checkpoint')).code, 0);
  const { publicKey } = json<{ publicKey: string }>(await run(fresh.stdout.trim(), 'audit', 'key', '--json'));
  const verified = await run(undefined, 'audit', 'verify', '--checkpoints', file, '--public-key', publicKey);
  assert.equal(verified.code, 0, verified.stdout);
  assert.match(verified.stdout, /2 checkpoints/);

  await database.db.query({ text: 'alter table audit_checkpoints disable trigger user' });
  await database.db.query({ text: 'delete from audit_checkpoints where number = 2' });
  const robbed = await run(undefined, 'audit', 'verify', '--checkpoints', file);
  assert.equal(robbed.code, 1);
  assert.match(robbed.stdout, /checkpoint 2 was exported, and is gone/);
});
