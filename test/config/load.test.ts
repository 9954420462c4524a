import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import type { ConfigFault } from '../../src/config/fault.ts';
import { type LoadOptions, loadConfig } from '../../src/config/load.ts';
import type { Config, ConfigInput } from '../../src/config/schema.ts';
import { cleanup } from '../support/cleanup.ts';

const minimal = {
  listeners: [
    {
      name: 'wan',
      publicUrl: 'https://hems.example/cwmp',
      certificates: [{ chain: 'tls/chain.pem', key: '/etc/hems/key.pem' }],
      anchors: ['acme'],
    },
  ],
  anchors: [{ name: 'acme', certificates: ['acme.pem'], realms: ['hnb.acme.example'] }],
} satisfies ConfigInput;

type Changes = Record<string, unknown>;

function fileOf(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hems-config-'));
  cleanup(t, () => rmSync(folder, { recursive: true }));
  const file = join(folder, 'hems.yaml');
  writeFileSync(file, content);
  return file;
}

function load(t: TestContext, changes: Changes | string, options: Partial<LoadOptions> = {}) {
  const file = fileOf(t, typeof changes === 'string' ? changes : stringify({ ...minimal, ...changes }));
  return { file, result: loadConfig({ file, env: {}, ...options }) };
}

function loaded(
  t: TestContext,
  changes: Changes = {},
  options: Partial<LoadOptions> = {},
): { config: Config; file: string } {
  const { result, file } = load(t, changes, options);
  assert.ok(result.ok, JSON.stringify(result));
  return { config: result.config, file };
}

function faults(t: TestContext, changes: Changes | string, options: Partial<LoadOptions> = {}): readonly ConfigFault[] {
  const { result } = load(t, changes, options);
  assert.ok(!result.ok, 'it was accepted');
  for (const { key, cause, remedy } of result.faults) assert.ok(key !== '' && cause !== '' && remedy !== '');
  return result.faults;
}

/** The one fault, as `key: cause; remedy`, without the place in the file. */
function fault(t: TestContext, changes: Changes | string, options: Partial<LoadOptions> = {}): string {
  const found = faults(t, changes, options);
  assert.equal(found.length, 1, JSON.stringify(found));
  const { key, cause, remedy } = found[0]!;
  return `${key}: ${cause.replace(/ \(\/[^)]*\)$/, '')}; ${remedy}`;
}

const [listener] = minimal.listeners;
const [anchor] = minimal.anchors;
const withListener = (changes: Changes): Changes => ({ listeners: [{ ...listener, ...changes }] });
const withAnchor = (changes: Changes): Changes => ({ anchors: [{ ...anchor, ...changes }] });

describe('a configuration', () => {
  test('needs little and gets safe defaults', (t) => {
    const { config } = loaded(t);
    assert.equal(config.secondLock, 'count');
    assert.equal(config.maxResumptionAge, 12 * 3_600_000);
    assert.equal(config.limits.idleTime, 75_000);
    assert.deepEqual(config.management, { address: '127.0.0.1', port: 7548, requestsPerMinute: 6000 });
    assert.equal(config.listeners[0]?.address, '127.0.0.1');
    assert.equal(config.listeners[0]?.profile, 'modern');
    assert.equal(config.anchors[0]?.registration, 'known-only');
    assert.equal(config.anchors[0]?.sharedSecret, 'refuse');
    assert.equal(config.audit.strangerRowsPerMinute, 10);
  });

  test('is frozen to the ground', (t) => {
    const { config } = loaded(t);
    assert.throws(() => (config.anchors[0]!.realms as string[]).push('x.y'), TypeError);
    assert.throws(() => Object.assign(config.limits, { idleTime: 1 }), TypeError);
    assert.throws(() => Object.assign(config, { secondLock: 'off' }), TypeError);
  });

  test("means paths from the file's folder, and keeps absolute ones", (t) => {
    const { config, file } = loaded(t, { dataDir: 'data' });
    const folder = resolve(file, '..');
    assert.equal(config.dataDir, join(folder, 'data'));
    assert.deepEqual(config.anchors[0]?.certificates, [join(folder, 'acme.pem')]);
    assert.deepEqual(config.listeners[0]?.certificates, [
      { chain: join(folder, 'tls/chain.pem'), key: '/etc/hems/key.pem' },
    ]);
    assert.equal(loaded(t).config.dataDir, resolve('var'), 'the default is meant from the working directory');
  });

  test('takes realms in any case, and `off` as the word it is', (t) => {
    const { config } = loaded(t, withAnchor({ realms: ['HNB.Acme.Example'], rules: { 'key-usage': 'off' } }));
    assert.deepEqual(config.anchors[0]?.realms, ['hnb.acme.example']);
    assert.deepEqual(config.anchors[0]?.rules, { 'key-usage': 'off' });
  });

  test('may be read without doors by the tools', (t) => {
    const { result } = load(t, '{}', { purpose: 'tool' });
    assert.ok(result.ok);
    assert.deepEqual(result.config.listeners, []);
    assert.equal(faults(t, '{}').length, 2);
  });
});

describe('a fault in the configuration is named with key, cause and remedy', () => {
  test('an unknown key, with the one that was meant', (t) => {
    assert.equal(fault(t, { secondLok: 'off' }), 'secondLok: there is no such key; did you mean secondLock?');
    assert.equal(
      fault(t, withListener({ publicURL: 'https://x' })),
      'listeners[0].publicURL: there is no such key; did you mean publicUrl?',
    );
    assert.equal(fault(t, { log: { zzzzzz: 1 } }), 'log.zzzzzz: there is no such key; known here are level');
    assert.match(fault(t, { __proto__x: 1 }), /^__proto__x: there is no such key/);
  });

  test('the place in the file', (t) => {
    const [found] = faults(t, `${stringify(minimal)}\nlimits:\n  sessions: 0\n`);
    assert.match(found!.cause, /0 is out of range \(\/.*hems\.yaml, line \d+\)/);
    assert.equal(found!.remedy, 'at least 1');
  });

  test('every one of them in one go', (t) => {
    const keys = faults(t, {
      ...withListener({ port: 'x', role: 'other' }),
      limits: { sessions: 0 },
      secondLock: 'on',
    });
    assert.deepEqual(
      keys.map(({ key }) => key),
      ['listeners[0].port', 'listeners[0].role', 'secondLock', 'limits.sessions'],
    );
  });

  for (const [what, changes, expected] of [
    [
      'a word that is not allowed',
      { secondLock: 'on' },
      'secondLock: "on" is not allowed; write enforce, count or off',
    ],
    [
      'a missing key',
      { listeners: [{ ...listener, publicUrl: undefined }] },
      'listeners[0].publicUrl: is missing; add it; deploy/hems.example.yaml shows how',
    ],
    [
      'plain HTTP',
      withListener({ publicUrl: 'http://x' }),
      'listeners[0].publicUrl: "http://x" is not allowed; must be an https URL (TS 33.320 8.3.4)',
    ],
    [
      'a password in the public URL',
      withListener({ publicUrl: 'https://u:p@x/' }),
      'listeners[0].publicUrl: holds a user or password; devices prove who they are by certificate: leave it out',
    ],
    [
      'a duration without unit',
      { maxResumptionAge: '12' },
      'maxResumptionAge: "12" is not allowed; write a number and a unit: 500ms, 30s, 5m, 12h or 1d',
    ],
    [
      'a resumption age over a day',
      { maxResumptionAge: '25h' },
      'maxResumptionAge: is longer than 24 hours; write 24h or less',
    ],
    [
      'a duration that a timer cannot hold',
      { limits: { sessionTime: '25d' } },
      'limits.sessionTime: "25d" is not allowed; must be between 1ms and 24d',
    ],
    [
      'no time at all',
      { limits: { idleTime: '0s' } },
      'limits.idleTime: "0s" is not allowed; must be between 1ms and 24d',
    ],
    [
      'a port in quotes',
      withListener({ port: '7547' }),
      'listeners[0].port: "7547" is not of the right kind; write a number',
    ],
    ['a port that is none', withListener({ port: 65_536 }), 'listeners[0].port: 65536 is out of range; at most 65535'],
    [
      'a name for an address',
      withListener({ address: 'eth0' }),
      'listeners[0].address: "eth0" is no IP address; write an IP address of this machine: 127.0.0.1, 0.0.0.0 (all of IPv4), ::1 or :: (all)',
    ],
    [
      'an anchor that does not exist',
      withListener({ anchors: ['acne'] }),
      'listeners[0].anchors[0]: there is no anchor acne; did you mean acme?',
    ],
    [
      'no anchor',
      withListener({ anchors: [] }),
      'listeners[0].anchors: the list has too few or too many entries; at least 1 in the list',
    ],
    [
      'a rule twice',
      withAnchor({ identity: ['cn-oui-serial', 'cn-oui-serial'] }),
      'anchors[0].identity: cn-oui-serial is there twice; name each rule once, in the order to try',
    ],
    [
      'two names alike',
      { anchors: [anchor, anchor] },
      'anchors[1].name: anchors[0] is called acme too; rename one of them',
    ],
    [
      'two doors on one port',
      { management: { port: 7547 } },
      'management.port: 7547 is taken by listeners[0].port; give one of them another port or address',
    ],
    [
      'a limit above its total',
      { limits: { handshakesInFlight: 8 } },
      'limits.handshakesInFlightPerAddress: exceeds limits.handshakesInFlight (8); lower it, or raise the other',
    ],
    [
      'a database of another kind',
      { database: { url: 'mysql://u:geheim@h/d' } },
      'database.url: is no Postgres URL; write postgresql://user:password@host:5432/database; percent-encode what is special in the password',
    ],
  ] as const)
    test(what, (t) => assert.equal(fault(t, changes as Changes), expected));

  for (const realm of [
    'com',
    '*.acme.example',
    '.acme.example',
    'acme.example.',
    'a..b',
    '-a.b',
    'acme example',
    'ä.b',
    `${'a.'.repeat(130)}b`,
  ])
    test(`the realm ${JSON.stringify(realm.slice(0, 20))}`, (t) => {
      assert.match(fault(t, withAnchor({ realms: [realm] })), /^anchors\[0\]\.realms\[0\]: /);
    });

  test('a realm claimed by two anchors, or a part of it, unless it is said to be meant', (t) => {
    const other = { ...anchor, name: 'other' };
    for (const realm of ['hnb.acme.example', 'acme.example', 'x.hnb.acme.example'])
      assert.match(
        fault(t, { anchors: [anchor, { ...other, realms: [realm] }] }),
        /^anchors\[1\]\.realms\[0\]: anchor acme claims .* or a part of it too; .*sharesRealmsWith: \[acme\]$/,
      );
    loaded(t, { anchors: [anchor, { ...other, sharesRealmsWith: ['acme'] }] });
    loaded(t, { anchors: [anchor, { ...other, realms: ['nb.acme.example', 'xhnb.acme.example'] }] });
  });

  test('doors that collide on all addresses; doors that do not', (t) => {
    const doors = (one: Changes, two: Changes): Changes => ({
      listeners: [
        { ...listener, port: 8000, ...one },
        { ...listener, port: 8000, ...two, name: 'two' },
      ],
    });
    for (const [a, b] of [
      ['0.0.0.0', '10.0.0.1'],
      ['::', '10.0.0.1'],
      ['::', '0.0.0.0'],
      ['localhost', '127.0.0.1'],
      ['::1', '::1'],
    ])
      assert.match(
        fault(t, doors({ address: a }, { address: b })),
        /^listeners\[1\]\.port: 8000 is taken by listeners\[0\]/,
      );
    for (const [a, b] of [
      ['127.0.0.1', '10.0.0.1'],
      ['::1', '0.0.0.0'],
      ['::1', '127.0.0.1'],
    ])
      loaded(t, doors({ address: a }, { address: b }));
    loaded(t, doors({ port: 0 }, { port: 0 }));
  });
});

describe('a configuration file', () => {
  test('that is not there, or is a folder', () => {
    for (const file of ['/nowhere/hems.yaml', tmpdir()]) {
      const result = loadConfig({ file, env: {} });
      assert.ok(!result.ok);
      assert.equal(result.faults[0]?.key, file);
      assert.match(result.faults[0]?.cause ?? '', /cannot be read: /);
    }
  });

  test('that may not be read', { skip: process.geteuid?.() === 0 && 'root may read everything' }, (t) => {
    const file = fileOf(t, '{}');
    chmodSync(file, 0);
    const result = loadConfig({ file, env: {} });
    assert.match((!result.ok && result.faults[0]?.cause) || '', /EACCES/);
  });

  test('that is broken YAML, names a key twice, has an unknown tag or another shape', (t) => {
    assert.match(fault(t, 'listeners: [\n'), /hems\.yaml, line \d+, column \d+: /);
    assert.match(fault(t, 'log: {}\nlog: {}\n'), /line 2, column 1: Map keys must be unique/);
    assert.match(fault(t, 'dataDir: !!js/function x\n'), /line 1, column \d+: Unresolved tag/);
    assert.match(fault(t, '- a\n'), /holds no keys and values/);
    assert.match(fault(t, 'a\n--- \nb\n'), /line \d+/);
  });

  test('whose aliases would unfold without end is refused', (t) => {
    const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)];
    assert.match(fault(t, bomb.join('\n')), /Excessive alias count/);
  });

  test('that is empty lacks the doors, no more', (t) => {
    assert.deepEqual(
      faults(t, '').map(({ key }) => key),
      ['listeners', 'anchors'],
    );
  });
});

describe('warnings', () => {
  test('name what is probably not meant, and do not forbid the start', (t) => {
    const { result } = load(t, {
      anchors: [anchor, { name: 'idle', certificates: ['x.pem'], registration: 'auto' }],
    });
    assert.ok(result.ok);
    assert.deepEqual(
      result.warnings.map(({ key }) => key),
      ['anchors[1].name', 'anchors[1].realms', 'anchors[1].autoRegistration.ouis'],
    );
  });
});

describe('the example', () => {
  test('loads, without a warning, and mentions every key there is', () => {
    const file = resolve(import.meta.dirname, '../../deploy/hems.example.yaml');
    const result = loadConfig({ file, env: {} });
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual(result.warnings, []);
    const text = readFileSync(file, 'utf8');
    const keys = (value: unknown): string[] =>
      Array.isArray(value)
        ? value.flatMap(keys)
        : typeof value === 'object' && value !== null
          ? Object.entries(value).flatMap(([key, part]) => [key, ...keys(part)])
          : [];
    const known = [...keys(result.config), 'ciphers', 'sharesRealmsWith'];
    assert.deepEqual(
      known.filter((key) => !new RegExp(`^ *(- |# )?${key}:`, 'm').test(text)),
      [],
    );
  });

  test('devices are asked for their alarms unless somebody says otherwise', (t) => {
    assert.equal(loaded(t).config.notifications, 'femtocell');
    assert.equal(loaded(t, { notifications: 'off' }).config.notifications, 'off');
  });

  test('states the defaults as they are', (t) => {
    const text = readFileSync(resolve(import.meta.dirname, '../../deploy/hems.example.yaml'), 'utf8');
    const { config } = loaded(t);
    for (const [group, values] of Object.entries({ limits: config.limits, audit: config.audit }))
      for (const key of Object.keys(values)) {
        const [, value, comment] = new RegExp(`^  ${key}: (\\S+) # ([^;,\\n]+)`, 'm').exec(text) ?? [];
        assert.ok(value !== undefined && value === comment, `${group}.${key}: ${value} but ${comment}`);
        const same = loaded(t, { [group]: { [key]: /^\d+$/.test(value) ? Number(value) : value } });
        assert.deepEqual(same.config[group as 'limits'], values, `${group}.${key}`);
      }
  });
});
