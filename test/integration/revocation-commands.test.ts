import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { development, type Ended, hems, json, openFolder, type RunOptions, serve } from './command.ts';
import { until } from './evidence.ts';

const identity = '00a0bc00c0de.hnb.acme.example';
const sister = '00a0bc00c0df.hnb.acme.example';

const groups: Readonly<Record<string, readonly string[]>> = {
  policy: ['show', 'check', 'apply', 'rollback', 'override'],
  crl: ['import', 'list', 'show'],
  revocation: ['import', 'revoke', 'reinstate', 'list', 'changes', 'quarantine', 'release'],
};

describe('revocation on the command line', { timeout: 300_000 }, () => {
  let folder: string;
  let options: RunOptions;
  let running: Awaited<ReturnType<typeof serve>>;

  before(async () => {
    folder = openFolder();
    options = { env: development(join(folder, 'data')) };
    mkdirSync(join(folder, 'files'));
    running = await serve(['--dev'], options);
    for (const name of [identity, sister]) {
      await done(['pki', 'issue', '--anchor', 'acme', '--identity', name, '--out', cell(name)]);
      await done(['device', 'add', '--anchor', 'acme', '--identity', name]);
      assert.equal((await call(name)).code, 0);
    }
  });
  after(async () => {
    running.child.kill('SIGINT');
    await running.ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const cell = (name: string): string => join(folder, name.slice(0, 12));

  async function done(args: readonly string[]): Promise<Ended> {
    const ended = await hems(args, options);
    assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.stderr}${ended.stdout}`);
    return ended;
  }

  function call(name = identity): Promise<Ended> {
    return hems(['simulate', '--url', running.ready.cwmp, '--certs', cell(name), '--json'], options);
  }

  /** Once the server has heard of it. */
  async function calls(name: string, code: 0 | 1): Promise<void> {
    await until(
      () => call(name),
      (ended) => ended.code === code,
      `${name} comes to ${code}`,
      20_000,
    );
  }

  function file(name: string, text: string): string {
    const path = join(folder, 'files', name);
    writeFileSync(path, text);
    return path;
  }

  interface Explained {
    readonly outcome: string;
    readonly reason: string | null;
    readonly id: string;
    readonly verdict: { readonly version: string; readonly tolerated: readonly string[] } | null;
  }

  async function explained(subject = identity): Promise<Explained> {
    const [decision] = json<Explained[]>(await done(['explain', subject, '--json']));
    assert.ok(decision !== undefined);
    return decision;
  }

  for (const [group, verbs] of Object.entries(groups))
    test(`hems ${group} --help lists what it can do`, async () => {
      const { stdout } = await done([group, '--help']);
      for (const verb of verbs) assert.match(stdout, new RegExp(`^  ${verb} `, 'm'));
    });

  test('without a policy revocation is not checked, and show and explain say so', async () => {
    assert.match((await done(['policy', 'show'])).stdout, /There is no policy: revocation is not checked/);
    const { verdict } = await explained();
    assert.deepEqual([verdict?.version, verdict?.tolerated], ['none', ['unchecked']]);
  });

  test('a faulty policy is refused by key and line; one that would cut off the fleet asks for the number', async () => {
    const faulty = file('faulty.yaml', 'anchors:\n  - name: acme\n    onUnknown: perhaps\n    sources: []\n');
    const refused = await hems(['policy', 'check', faulty], options);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /anchors\[0\]\.onUnknown: "perhaps".*line 3/);
    assert.match(refused.stderr, /anchors\[0\]\.sources: /);
    const strange = file('strange.yaml', 'anchors:\n  - name: nobody\n    sources: [{ kind: uploaded-crl }]\n');
    assert.match((await hems(['policy', 'apply', strange], options)).stderr, /there is no anchor nobody/);
    const strict = file('strict.yaml', 'anchors:\n  - name: acme\n    sources: [{ kind: uploaded-crl }]\n');
    const check = await done(['policy', 'check', strict]);
    assert.match(check.stdout, /Revocation is not checked for zenith, operator/);
    assert.match(check.stdout, /2 of 2 active devices would be refused:\n +2 {2}deny: revocation_unavailable/);
    const unconfirmed = await hems(['policy', 'apply', strict], options);
    assert.equal(unconfirmed.code, 1);
    assert.match(unconfirmed.stderr, /2 active devices .* nothing was changed\n.*--confirm 2/);
    assert.equal((await call()).code, 0);
  });

  test('with CRLs the same policy cuts off nobody; a revoked device is refused from then on, and explained', async () => {
    for (const authority of ['acme-root', 'acme-issuing']) await importCrl(authority);
    const strict = join(folder, 'files', 'strict.yaml');
    assert.match((await done(['policy', 'apply', strict, '--reason', 'go'])).stdout, /None of 2 active devices/);
    assert.equal(json<{ version: number }>(await done(['policy', 'show', '--json'])).version, 1);
    await calls(identity, 0);
    assert.equal((await explained()).verdict?.version, '1');
    await done(['pki', 'revoke', '--certificate', join(cell(identity), 'device.crt'), '--reason', 'keyCompromise']);
    assert.match(await importCrl('acme-issuing'), /1 of 2 active devices would be refused/);
    await calls(identity, 1);
    const decision = await explained();
    assert.deepEqual([decision.outcome, decision.reason], ['refused', 'revoked_crl']);
    const text = (await done(['explain', decision.id])).stdout;
    assert.match(text, /uploaded-crl: REVOKED since .*, keyCompromise/);
    assert.match(text, /policy +version 1/);
    await calls(sister, 0);
    const held = json<{ issuer: string; entries: number }[]>(await done(['crl', 'list', '--json']));
    assert.deepEqual(held.map(({ entries }) => entries).sort(), [0, 1]);
  });

  async function importCrl(authority: string): Promise<string> {
    const out = join(folder, 'files', `${authority}.crl`);
    await done(['pki', 'crl', '--authority', authority, '--out', out]);
    const pem = join(folder, 'data', 'pki', `${authority}.crt`);
    return (await done(['crl', 'import', out, '--certificates', pem])).stdout;
  }

  test('the operator’s list, an override and a rollback do what they say, and the changes tell of them', async () => {
    const list = file('list.csv', `identity,reason\n${sister},superseded\n`);
    assert.match((await done(['revocation', 'import', list])).stdout, /1 put on the list/);
    await calls(sister, 1);
    await done(['policy', 'override', '--until', '1h', '--reason', 'the list must hold']);
    assert.equal((await call(sister)).code, 1);
    await done(['revocation', 'reinstate', sister, '--reason', 'a mistake']);
    await calls(sister, 0);
    await done(['policy', 'override', '--end', '--reason', 'over']);
    assert.equal((await hems(['policy', 'override', '--until', '2d', '--reason', 'x'], options)).code, 2);
    assert.equal((await hems(['policy', 'rollback', '99', '--reason', 'x'], options)).code, 1);
    await done(['policy', 'rollback', '1', '--reason', 'x']);
    const changes = json<{ action: string }[]>(await done(['revocation', 'changes', '--json']));
    assert.deepEqual(changes.map(({ action }) => action).slice(0, 5), [
      'policy_rolled_back',
      'overridden',
      'certificate_reinstated',
      'overridden',
      'certificate_revoked',
    ]);
  });

  test('what is no CRL, and one of a stranger, is not taken', async () => {
    const nonsense = await hems(['crl', 'import', file('x.crl', 'nonsense')], options);
    assert.equal(nonsense.code, 2);
    assert.match(nonsense.stderr, /x\.crl/);
    assert.match((await hems(['crl', 'import', '/nowhere/x.crl'], options)).stderr, /\/nowhere\/x\.crl cannot be read/);
    assert.equal((await hems(['crl', 'show', 'abcd'], options)).code, 1);
    assert.equal((await hems(['explain', '00a0bcffffff.hnb.acme.example'], options)).code, 1);
  });
});
