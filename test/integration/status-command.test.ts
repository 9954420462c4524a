import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { stage as dress } from '../../src/simulator/scenarios/cast.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { hems, openFolder } from './command.ts';
import { until } from './evidence.ts';
import { ownConfig, ownGround } from './production.ts';
import { openStage, type Stage } from './stage.ts';

describe('hems status', { timeout: 120_000 }, () => {
  let stage: Stage;
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
    stage = await openStage({ database });
  });
  after(async () => {
    await stage.stop();
    await database.drop();
  });

  const run = (...args: string[]) => hems(['status', ...args], { env: { DATABASE_URL: database.url } });

  test('tells doors, anchors, deviations, refusals of our own cells apart, devices and tasks', async () => {
    const device = await stage.known();
    const cell = await dress(stage.context, device);
    await runSession(cell);
    const deviceId = await stage.deviceId(device);
    await stage.db.query({ text: `update devices set state = 'blocked' where id = $1`, values: [deviceId] });
    await runSession(cell);
    await fetch(`http://127.0.0.1:${stage.port()}`).catch(() => undefined);
    const text = await until(
      async () => (await run()).stdout,
      (said) => /device_blocked/.test(said) && /not_tls/.test(said),
      'the refusals are in the database',
      20_000,
    );
    assert.match(text, /^Node .* hems 0\.1\.0, up \d+ s, seen \d+ s ago$/m);
    assert.match(text, /^ {2}main +https:\/\/localhost:\d+\/cwmp$/m);
    assert.match(text, /^ {2}anchors +acme, zenith, operator$/m);
    assert.match(text, /weaker by development_pki, revocation_unchecked/);
    assert.match(
      text,
      /Our own cells refused in the last hour\nrefusals +devices +peer +reason *\n\d+ +1 +known +device_blocked/,
    );
    assert.match(text, /stranger +not_tls/);
    assert.match(text, /no policy: nothing is checked/);
    assert.match(text, /^Tasks {2}none$/m);
  });

  test('--json is one document, --watch says it again until it is told to stop', async () => {
    const { nodes, revocation } = JSON.parse((await run('--json')).stdout) as {
      nodes: { said: { doors: { name: string }[] } }[];
      revocation: { policyVersion: number | null };
    };
    assert.deepEqual(
      [nodes[0]?.said.doors.map(({ name }) => name), revocation.policyVersion],
      [['main', 'second'], null],
    );
    const watched = await hems(['status', '--json', '--watch', '1s'], {
      env: { DATABASE_URL: database.url },
      program: ['timeout', '-s', 'INT', '6', process.execPath, 'src/cli/main.ts'],
    });
    assert.ok(watched.stdout.trim().split('\n').length >= 2, watched.stdout);
  });
});

describe('hems compliance', { timeout: 120_000 }, () => {
  let database: TestDatabase;
  let folder: string;
  before(async () => {
    database = await createTestDatabase();
    folder = openFolder();
    await ownGround(folder);
    writeFileSync(join(folder, 'policy.yaml'), 'anchors: [{ name: "*", sources: [{ kind: uploaded-crl }] }]\n');
  });
  after(() => database.drop());

  const run = (...args: string[]) => hems(args, { env: { DATABASE_URL: database.url } });

  test('names the clause, the setting and the remedy; once all are met it says so and answers 0', async () => {
    const weak = ownConfig({ folder }, 'weak.yaml', { door: { profile: 'legacy-rel12' } });
    const before = await run('compliance', '--config', weak);
    assert.equal(before.code, 1);
    assert.match(
      before.stdout,
      /^deviates 8\.3\.4 +TLS as profiled.*\n +legacy_tls_profile: .*\n +at listeners\[0\]\.profile; without it: profile: modern$/m,
    );
    assert.match(before.stdout, /revocation_unchecked: .*\n +at policy of realcells/);
    const good = ownConfig({ folder }, 'good.yaml');
    const applied = await run('policy', 'apply', join(folder, 'policy.yaml'), '--config', good, '--offline');
    assert.equal(applied.code, 0, applied.stderr);
    const after = await run('compliance', '--config', good);
    assert.deepEqual(
      [after.code, /15 of 15 clauses are met/.test(after.stdout)],
      [0, true],
      after.stdout + after.stderr,
    );
  });

  test('compliance: strict does not start with a deviation, and names each', async () => {
    const strict = ownConfig({ folder }, 'strict.yaml', {
      door: { profile: 'legacy-rel12' },
      anchor: { sharedSecret: 'ignore' },
      rest: { compliance: 'strict' },
    });
    const ended = await run('serve', '--config', strict);
    assert.equal(ended.code, 2, ended.stderr);
    assert.match(ended.stderr, /listeners\[0\]\.profile: .*legacy_tls_profile.*strict/);
    assert.match(ended.stderr, /anchors\[0\]\.sharedSecret: .*shared_secret_ignored.*strict/);
    assert.match(ended.stderr, /profile: modern; or compliance: report/);
  });
});
