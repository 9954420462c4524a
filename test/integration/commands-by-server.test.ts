import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { development, type Ended, hems as process, json, openFolder, serve } from './command.ts';
import { type Commands, openCommands } from './commands.ts';

const identity = '00a0bc00c1de.hnb.acme.example';
const sister = '00a0bc00c1df.hnb.acme.example';

/** Two operators look at one server: one beside its database, one from a laptop with a key. */
describe('commands over the API of a server', { timeout: 600_000 }, () => {
  let folder: string;
  let beside: Commands;
  let laptop: Commands;
  let running: Awaited<ReturnType<typeof serve>>;

  const path = (name: string): string => join(folder, 'files', name);

  const hems = (args: readonly string[], where: Commands): Promise<Ended> => where.run(...args);

  async function done(args: readonly string[], where: Commands): Promise<Ended> {
    const ended = await hems(args, where);
    assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.stderr}${ended.stdout}`);
    return ended;
  }

  before(async () => {
    folder = openFolder();
    mkdirSync(join(folder, 'files'));
    const env = development(join(folder, 'data'));
    running = await serve(['--dev'], { env, withinMs: 580_000 });
    beside = openCommands(env);
    const made = await done(['apikey', 'create', 'laptop', '--role', 'administrator', '--json'], beside);
    writeFileSync(path('key'), `${json<{ secret: string }>(made).secret}\n`);
    laptop = openCommands(laptopEnvironment());
  });
  const laptopEnvironment = () => ({ HEMS_SERVER: running.ready.management, HEMS_API_KEY_FILE: path('key') });
  after(async () => {
    await Promise.all([beside.close(), laptop.close()]);
    running.child.kill('SIGINT');
    await running.ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  /** Members in one order, for JSON knows none. */
  const sorted = (text: string): unknown =>
    JSON.parse(text, (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );

  async function same(...args: readonly string[]): Promise<void> {
    const [here, there] = await Promise.all([hems(args, beside), hems(args, laptop)]);
    const name = args.join(' ');
    assert.deepEqual([there.code, there.stderr], [here.code, here.stderr], name);
    assert.equal(there.stdout, here.stdout, name);
    const machines = await Promise.all([beside, laptop].map((options) => done([...args, '--json'], options)));
    const [one, other] = machines.map(({ stdout }) => stdout.trim().split('\n').map(sorted));
    assert.deepEqual(other, one, `${name} --json`);
  }

  test('what they change stands in the same register, with the key in the audit', async () => {
    assert.match(
      (await done(['device', 'add', '--anchor', 'acme', '--identity', identity], laptop)).stdout,
      /is enrolled/,
    );
    const again = await done(['device', 'add', '--anchor', 'acme', '--identity', identity], laptop);
    assert.match(again.stdout, /was enrolled already/);
    await done(['device', 'add', '--anchor', 'acme', '--identity', sister, '--note', 'spare'], laptop);
    const strange = await hems(['device', 'add', '--anchor', 'nobody', '--identity', sister], laptop);
    assert.equal(strange.code, 1);
    assert.match(strange.stderr, /anchor.* no such trust anchor/);
    await done(['pki', 'issue', '--anchor', 'acme', '--identity', identity, '--out', join(folder, 'cell')], beside);
    const call = ['simulate', '--url', running.ready.cwmp, '--certs', join(folder, 'cell'), '--json'];
    await done(call, beside);
    assert.match((await done(['device', 'block', sister, '--reason', 'stolen'], laptop)).stdout, /is blocked\./);
    assert.match((await done(['device', 'block', sister, '--reason', 'stolen'], laptop)).stdout, /is blocked already/);
    const changes = (await done(['audit', 'show', '--kind', 'change', '--device', sister], beside)).stdout;
    assert.match(changes, /change block +key:laptop \([0-9a-f]{16}\) +stolen/);
    assert.match((await done(['device', 'unblock', '--tag', 'none'], laptop)).stdout, /would concern 0 devices/);
    assert.match(
      (await done(['device', 'unblock', '--state', 'blocked', '--yes'], laptop)).stdout,
      /unblock: 1 device\./,
    );
    const described = ['device', 'describe', sister, '--tag', 'spare', '--tag', 'north', '--site', 'Ulm 7'];
    assert.match(
      (await done(described, laptop)).stdout,
      /is described\.\nTags {2}north, spare\nSite {2}Ulm 7\nNote {2}spare/,
    );
    assert.match((await done(described, beside)).stdout, /was described so already\.\nTags {2}north, spare\n/);
    const fingerprint = ['--fingerprint', `${'AB:'.repeat(31)}AB`, '--reason', 'a spare board'];
    await done(['device', 'certificate', 'add', sister, ...fingerprint], laptop);
    await done(['device', 'certificate', 'add', sister, ...fingerprint], beside);
    await done(['device', 'certificate', 'remove', sister, ...fingerprint], laptop);
    const none = await hems(['device', 'trace', sister, '--stop'], laptop);
    assert.deepEqual([none.code, none.stderr], [1, (await hems(['device', 'trace', sister, '--stop'], beside)).stderr]);
    const missing = await hems(['device', 'show', '00a0bcffffff.hnb.acme.example'], laptop);
    assert.deepEqual([missing.code, /there is no device/.test(missing.stderr)], [1, true]);
  });

  test('the installation at a glance, and the clauses', async () => {
    const glance = (await done(['status'], laptop)).stdout;
    assert.match(glance, /^Node .* up \d+ s, seen \d+ s ago\n {2}cwmp +https:/m);
    assert.match(glance, /^Devices {2}/m);
    const [here, there] = await Promise.all([hems(['compliance'], beside), hems(['compliance'], laptop)]);
    assert.deepEqual([there.code, there.stdout], [1, here.stdout]);
    assert.match(there.stdout, /development_pki/);
  });

  test('tasks are queued, found and taken back', async () => {
    const added = await done(['task', 'add', identity, 'reboot', '--key', 't-1', '--priority', '5'], laptop);
    const [, id = ''] = /Task ([0-9a-f-]{36}) is queued/.exec(added.stdout) ?? [];
    const again = ['task', 'add', identity, 'reboot', '--key', 't-1', '--priority', '5'];
    assert.match((await done(again, laptop)).stdout, /was queued already/);
    const other = await hems(again.slice(0, -2), laptop);
    assert.deepEqual([other.code, /key is that of another request/.test(other.stderr)], [1, true]);
    const plain = ['task', 'add', identity, 'download', 'fileType=1 Firmware', 'url=http://x.example/f'];
    const [here, there] = await Promise.all([hems(plain, beside), hems(plain, laptop)]);
    assert.deepEqual([there.code, here.code], [1, 1]);
    assert.match(there.stderr, /https/);
    await same('task', 'list');
    await same('task', 'list', '--device', identity, '--state', 'queued');
    await same('task', 'show', id.slice(0, 13));
    assert.match((await done(['task', 'cancel', id], laptop)).stdout, /is cancelled\./);
    assert.match((await done(['task', 'cancel', id], laptop)).stdout, /is cancelled already/);
  });

  test('policy, CRLs and the operator’s list', async () => {
    writeFileSync(
      path('policy.yaml'),
      'anchors:\n  - name: acme\n    sources: [{ kind: uploaded-crl }]\n    onUnknown: admit\n',
    );
    writeFileSync(path('faulty.yaml'), 'anchors:\n  - name: acme\n    sources: []\n');
    writeFileSync(path('strange.yaml'), 'anchors:\n  - name: nobody\n    sources: [{ kind: uploaded-crl }]\n');
    await same('policy', 'show');
    await same('policy', 'check', path('policy.yaml'));
    for (const name of ['faulty.yaml', 'strange.yaml']) {
      const [here, there] = [
        await hems(['policy', 'check', path(name)], beside),
        await hems(['policy', 'check', path(name)], laptop),
      ];
      assert.deepEqual([there.code, there.stderr], [here.code, here.stderr]);
    }
    assert.match((await done(['policy', 'apply', path('policy.yaml'), '--reason', 'go'], laptop)).stdout, /Version 1 /);
    await done(['policy', 'override', '--until', '1h', '--reason', 'x'], laptop);
    await same('policy', 'show');
    await same('policy', 'show', '--history');
    await done(['policy', 'override', '--end', '--reason', 'x'], laptop);
    await done(['policy', 'rollback', '1', '--reason', 'x'], laptop);
    assert.equal((await hems(['policy', 'rollback', '77', '--reason', 'x'], laptop)).code, 1);
    await done(['pki', 'crl', '--authority', 'acme-root', '--out', path('root.crl')], beside);
    const pem = join(folder, 'data', 'pki', 'acme-root.crt');
    const taken = await done(['crl', 'import', path('root.crl'), '--certificates', pem], laptop);
    assert.match(taken.stdout, /in use from now on under anchor acme/);
    await same('crl', 'import', path('root.crl'));
    await same('crl', 'list');
    const [held] = json<{ fingerprint: string }[]>(await done(['crl', 'list', '--json'], beside));
    await same('crl', 'show', held?.fingerprint.slice(0, 12) ?? '');
    assert.equal((await hems(['crl', 'show', 'abcd'], laptop)).code, 1);
    writeFileSync(path('x.crl'), 'nonsense');
    assert.equal((await hems(['crl', 'import', path('x.crl')], laptop)).code, 2);
    writeFileSync(path('list.csv'), `identity,reason\n${sister},superseded\n`);
    assert.match((await done(['revocation', 'import', path('list.csv')], laptop)).stdout, /1 put on the list, 0 there/);
    await done(['revocation', 'revoke', '17', '--issuer', 'CN=Some CA,O=X', '--as', 'keyCompromise'], laptop);
    await same('revocation', 'list');
    await done(['revocation', 'reinstate', sister, '--reason', 'a mistake'], laptop);
    await same('revocation', 'changes');
    await same('revocation', 'quarantine');
  });

  test('what they read is the same, for people and for machines', async () => {
    await same('device', 'list');
    await same('device', 'list', '--sort', 'stateSince', '--descending', '--limit', '1');
    await same('device', 'show', identity);
    await same('device', 'parameters', identity, 'Device.', '--limit', '7');
    await same('device', 'conflicts');
    await same('explain', identity);
    await same('explain', identity, '--last', '5');
    await same('events', '--no-follow');
    await same('audit', 'show', '--limit', '3');
    await same('audit', 'show', '--kind', 'access');
    await same('audit', 'verify');
    await same('device', 'parameters', identity, '--reveal', '--reason', 'a complaint');
    const listed = await done(['apikey', 'list'], laptop);
    assert.match(listed.stdout, /laptop +administrator/);
  });

  test('a shipping file goes in and out', async () => {
    const csv =
      'anchor,identity,tags\nacme,00a0bc00d001.hnb.acme.example,pilot\nnobody,00a0bc00d002.hnb.acme.example,\n';
    writeFileSync(path('shipping.csv'), csv);
    const taken = await hems(['device', 'import', path('shipping.csv'), '--rejected', path('rejected.csv')], laptop);
    assert.deepEqual([taken.code, taken.stdout.split('\n')[0]], [1, '1 new, 0 changed, 0 as they were, 1 rejected']);
    assert.match(readFileSync(path('rejected.csv'), 'utf8'), /nobody/);
    const exported = ['device', 'export', '--tag', 'pilot'];
    assert.equal((await done(exported, laptop)).stdout, (await done(exported, beside)).stdout);
    const out = path('handover.csv');
    const gone = await done(
      ['device', 'handover', '--tag', 'pilot', '--yes', '--output', out, '--reason', 'sold'],
      laptop,
    );
    assert.match(gone.stdout, /1 device written to/);
    assert.match(readFileSync(out, 'utf8'), /00a0bc00d001/);
    await same('job', 'list');
    const jobs = json<{ id: string }[]>(await done(['job', 'list', '--json'], beside));
    assert.ok(jobs.length >= 2);
    for (const { id } of jobs) await same('job', 'show', id);
    await same('job', 'wait', jobs[0]?.id ?? '');
    const records = ['job', 'show', jobs[0]?.id ?? '', '--output', '-'];
    assert.equal((await done(records, laptop)).stdout, (await done(records, beside)).stdout);
    await same('task', 'add-many', 'reboot', '--anchor', 'acme');
  });

  test('files are kept, shown, linked and removed; the installation is shown as a whole', async () => {
    writeFileSync(path('image.bin'), 'an image');
    const kept = await done(['file', 'add', path('image.bin'), '--type', 'firmware', '--file-version', '2.0'], laptop);
    assert.match(kept.stdout, /File image\.bin is kept: 8 bytes/);
    assert.equal((await hems(['file', 'add', path('image.bin'), '--type', 'firmware'], laptop)).code, 1);
    await same('file', 'list');
    await done(['file', 'link', 'image.bin', '--model', 'FAP', '--expires', '1h'], laptop);
    await same('file', 'show', 'image.bin');
    assert.equal((await done(['file', 'get', 'image.bin', '-'], laptop)).stdout, 'an image');
    assert.equal((await hems(['file', 'remove', 'image.bin'], laptop)).code, 1, 'a link names it');
    const [link] = json<{ links: { id: string }[] }>(await done(['file', 'show', 'image.bin', '--json'], laptop)).links;
    await done(['file', 'unlink', link?.id ?? ''], laptop);
    assert.match((await done(['file', 'remove', 'image.bin'], laptop)).stdout, /is removed/);
    await same('device', 'transfers', identity);
    await same('device', 'uploads', identity);
    assert.match((await done(['status'], laptop)).stdout, /devices|Devices/);
    const [here, there] = await Promise.all([beside, laptop].map((options) => hems(['compliance'], options)));
    assert.deepEqual([there?.code, there?.stdout], [here?.code, here?.stdout]);
  });

  test('keys are made and revoked; nothing of it without a good one', async () => {
    const made = await done(['apikey', 'create', 'desk', '--role', 'viewer', '--json'], laptop);
    writeFileSync(path('viewer'), json<{ secret: string }>(made).secret);
    const viewer = ['--key-file', path('viewer')];
    await done(['device', 'list', ...viewer], laptop);
    const refused = await hems(['policy', 'rollback', '1', '--reason', 'x', ...viewer], laptop);
    assert.deepEqual([refused.code, /does not permit it: a viewer has not/.test(refused.stderr)], [1, true]);
    await done(['apikey', 'revoke', 'desk'], laptop);
    const gone = await hems(['device', 'list', ...viewer], laptop);
    assert.deepEqual([gone.code, /does not know who asks.*\n.*--key-file/.test(gone.stderr)], [1, true]);
    const server = (url: string, ...more: string[]) => hems(['device', 'list', '--server', url, ...more], laptop);
    const nowhere = await server('http://127.0.0.1:1');
    assert.deepEqual([nowhere.code, /does not listen/.test(nowhere.stderr)], [3, true]);
    const clear = await server('http://hems.operator.example:7548');
    assert.deepEqual([clear.code, /in the clear/.test(clear.stderr)], [2, true]);
    const cwmp = await server(running.ready.cwmp.replace('/cwmp', ''));
    assert.deepEqual([cwmp.code, /not trusted here.*\n.*--ca FILE/.test(cwmp.stderr)], [3, true], cwmp.stderr);
    const plain = await server(running.ready.management.replace('http:', 'https:'));
    assert.deepEqual([plain.code, /does not speak TLS/.test(plain.stderr)], [3, true], plain.stderr);
    // As a process of its own, in a folder where nothing is: it needs no database, and makes none.
    const whole = await process(['device', 'list'], { env: laptopEnvironment(), cwd: path('') });
    assert.deepEqual([whole.code, /00a0bc00c1de/.test(whole.stdout)], [0, true], whole.stderr);
    assert.ok(!existsSync(path('var')));
    const keyless = await process(['device', 'list', '--server', running.ready.management]);
    assert.deepEqual([keyless.code, /nothing proves/.test(keyless.stderr)], [2, true]);
  });
});
