import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { secretPart } from '../contract/management-stage.ts';
import { cleanup } from '../support/cleanup.ts';
import { withDatabase } from '../support/database.ts';
import { development, hems, json, serve, testFolder } from './command.ts';

test('a key from the command line opens the API of a running server, until it is revoked', {
  timeout: 120_000,
}, async (t) => {
  const { url } = await withDatabase(t);
  const options = { env: { ...development(join(testFolder(t), 'data')), DATABASE_URL: url, HEMS_LOG_LEVEL: 'trace' } };
  const server = await serve(['--dev'], options);
  cleanup(t, () => void server.child.kill('SIGKILL'));
  const made = await hems(['apikey', 'create', 'noc', '--role', 'viewer', '--json'], options);
  assert.equal(made.code, 0, made.stderr);
  const { secret } = json<{ id: string; secret: string }>(made);
  const ask = async (): Promise<number> => {
    const headers = { Authorization: `Bearer ${secret}` };
    return (await fetch(`${server.ready.management}/api/v1/trust-anchors`, { headers })).status;
  };
  assert.equal(await ask(), 200);
  const again = await hems(['apikey', 'create', 'noc', '--role', 'viewer'], options);
  assert.deepEqual([again.code, /called noc already/.test(again.stderr)], [1, true]);
  const listed = await hems(['apikey', 'list'], options);
  assert.match(listed.stdout, /noc +viewer +- +in force/);
  assert.ok(!listed.stdout.includes(secret));
  assert.equal((await hems(['apikey', 'revoke', 'noc', '--reason', 'gone'], options)).code, 0);
  assert.equal(await ask(), 401);
  assert.equal((await hems(['apikey', 'create', 'x', '--role', 'god'], options)).code, 2);
  assert.ok(![server.stdout(), server.stderr()].join().includes(secretPart(secret)), 'never in a log');
});
