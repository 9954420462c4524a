import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { ConfigInput } from '../../src/config/schema.ts';
import { runSession } from '../../src/simulator/cwmp-session.ts';
import { createFemtocell } from '../../src/simulator/femtocell.ts';
import { cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openTlsSocket } from './clients.ts';
import { development, type Ended, hems, json, type RunOptions, type Running, serve, testFolder } from './command.ts';
import { until } from './evidence.ts';
import { type OwnGround, type OwnOptions, ownConfig, ownGround } from './production.ts';
import { developmentPki, ownFolder } from './stage.ts';

const remedy = /[;→] ?\w/;

/** Which key or file, why, what to do; exit code; no stack trace; nothing on standard output. */
function assertFault({ code, signal, stdout, stderr }: Ended, wanted: number, ...words: readonly RegExp[]): void {
  assert.deepEqual([code, signal], [wanted, null], stderr);
  assert.equal(stdout, '');
  assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+|node:internal|internal error/m);
  const message = stderr.slice(stderr.indexOf('hems: '));
  for (const word of [...words, remedy]) assert.match(message, word);
}

async function takenPort(t: TestContext): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup(t, () => server.close());
  return (server.address() as { port: number }).port;
}

describe('a start that cannot succeed says which key or file, why, and what to do', { timeout: 300_000 }, () => {
  let database: TestDatabase;
  let ground: OwnGround;
  before(async () => {
    const folder = ownFolder();
    [database, ground] = await Promise.all([createTestDatabase(), ownGround(folder)]);
  });
  after(() => database.drop());

  let files = 0;
  function production(options: OwnOptions = {}, run: RunOptions = {}): Promise<Ended> {
    files += 1;
    const config = ownConfig(ground, `hems-${files}.yaml`, options);
    return hems(['serve', '--config', config, '--json'], { ...run, env: { DATABASE_URL: database.url, ...run.env } });
  }
  const certificate = (chain: string, key = 'hems.key'): Partial<ConfigInput['listeners'][number]> => ({
    certificates: [{ chain, key }],
  });

  test('the CWMP port is taken', async (t) => {
    const port = await takenPort(t);
    const ended = await production({ door: { port } });
    assertFault(ended, 3, new RegExp(`listeners\\[0\\]\\.port: port ${port} at 127\\.0\\.0\\.1 is taken`));
  });

  test('the management port is taken, and the CWMP door is closed again', async (t) => {
    const port = await takenPort(t);
    const ended = await production({ rest: { management: { port } } });
    assertFault(ended, 3, new RegExp(`management\\.port: port ${port} at 127\\.0\\.0\\.1 is taken`));
  });

  test('in development, with the variable that moves the port', async (t) => {
    const port = String(await takenPort(t));
    const env = { ...development(join(testFolder(t), 'data')), HEMS_CWMP_PORT: port };
    assertFault(await hems(['serve', '--dev'], { env }), 3, /is taken/, /HEMS_CWMP_PORT/);
  });

  test('an address that is none of this machine', async () => {
    assertFault(await production({ door: { address: '192.0.2.1' } }), 3, /listeners\[0\]\.address: 192\.0\.2\.1 is no/);
  });

  test('a key file that is not there, and one that may not be read', async (t) => {
    const missing = await production({ door: certificate('hems.crt', 'nowhere.key') });
    assertFault(missing, 3, /listeners\[0\]\.certificates\[0\]\.key: \S*nowhere\.key cannot be read \(ENOENT\)/);
    if (process.geteuid?.() === 0) {
      t.diagnostic('root may read everything: the second half is for other users');
      return;
    }
    writeFileSync(join(ground.folder, 'locked.key'), 'x');
    chmodSync(join(ground.folder, 'locked.key'), 0);
    assertFault(
      await production({ door: certificate('hems.crt', 'locked.key') }),
      3,
      /locked\.key cannot be read \(EACC/,
    );
  });

  test('a key that is none, one of another certificate, a certificate of another host, one without its chain', async () => {
    writeFileSync(
      join(ground.folder, 'junk.key'),
      '-----BEGIN PRIVATE KEY-----\nZ2VoZWlt\n-----END PRIVATE KEY-----\n',
    );
    const junk = await production({ door: certificate('hems.crt', 'junk.key') });
    assertFault(junk, 2, /junk\.key holds no private key that OpenSSL can read/);
    assert.doesNotMatch(junk.stderr, /Z2VoZWlt/);
    const other = await production({ door: certificate('hems.crt', 'other.key') });
    assertFault(other, 2, /other\.key is not the key of \S*hems\.crt/);
    const host = await production({ door: { publicUrl: 'https://hems.example/cwmp' } });
    assertFault(host, 2, /subjectAltName does not cover hems\.example/, /TS 33\.320 8\.3\.2\.1/);
    const expired = await ground.operator.issue({ name: 'localhost', purpose: 'clientAuth' });
    writeFileSync(join(ground.folder, 'client.crt'), expired.chain);
    writeFileSync(join(ground.folder, 'client.key'), expired.key);
    assertFault(
      await production({ door: certificate('client.crt', 'client.key') }),
      2,
      /extendedKeyUsage lacks serverAuth/,
    );
  });

  test('a key of the configuration that is not known, with the one that was meant, and its line', async () => {
    const ended = await production({ rest: { maxResumptionAeg: '12h' } });
    assertFault(ended, 2, /maxResumptionAeg/, /did you mean maxResumptionAge\?/);
  });

  test('a public URL without TLS, and a cipher that is not to be had', async () => {
    assertFault(await production({ door: { publicUrl: 'http://localhost/cwmp' } }), 2, /publicUrl: .*https.*8\.3\.4/);
    for (const ciphers of ['RC4-SHA', 'ECDHE-ECDSA-AES128-GCM-SHA256:NULL-SHA256', 'ALL'])
      assertFault(await production({ door: { ciphers } }), 2, /listeners\[0\]\.ciphers: /);
  });

  test('no trust anchor, one that is not there, one that is a device certificate', async () => {
    assertFault(await production({ rest: { anchors: [] } }), 2, /anchors/);
    assertFault(
      await production({ anchor: { certificates: ['gone.pem'] } }),
      3,
      /anchors\[0\]\.certificates\[0\]: .*gone/,
    );
    assertFault(
      await production({ anchor: { certificates: ['hems.crt'] } }),
      2,
      /anchors\[0\]\.certificates\[0\]: .*CN=/,
    );
  });

  test('an anchor of the development PKI in production', async () => {
    const pki = await developmentPki();
    const [acme] = pki.anchors;
    const ended = await production({ anchor: { certificates: [...(acme?.certificates ?? [])] } });
    assertFault(ended, 2, /anchors\[0\]\.certificates\[0\]: .*development PKI, whose keys anybody may hold/);
  });

  test('no database at all; one that cannot be reached; one that refuses the password, which is not repeated', async () => {
    assertFault(await production({}, { env: { DATABASE_URL: '' } }), 2, /database\.url: there is none/, /DATABASE_URL/);
    const env = { DATABASE_URL: 'postgres://hems:geheim@127.0.0.1:1/hems' };
    const unreachable = await production({}, { env });
    assertFault(unreachable, 3, /the database hems at 127\.0\.0\.1:1 cannot be reached/, /database\.url/);
    assert.doesNotMatch(unreachable.stderr, /geheim/);
    const nowhere = new URL(database.url);
    nowhere.pathname = '/test_nowhere';
    assertFault(await production({}, { env: { DATABASE_URL: nowhere.href } }), 3, /test_nowhere/);
  });

  test('a database server that is too old', async (t) => {
    const old = await createTestDatabase();
    cleanup(t, () => old.drop());
    await old.db.query({
      text: `create schema elder;
        create function elder.current_setting(name text) returns text language sql as
        $$ select case name when 'server_version_num' then '140019' when 'server_version' then '14.19'
                  else pg_catalog.current_setting(name) end $$`,
    });
    const url = new URL(old.url);
    url.searchParams.set('options', '-c search_path=elder,pg_catalog,public');
    const ended = await production({}, { env: { DATABASE_URL: url.href } });
    assertFault(ended, 3, /PostgreSQL 14\.19; hems needs 15 or newer/, /upgrade the server/);
  });

  test('a database without the schema, and one whose schema is newer than the code', async (t) => {
    const empty = await createTestDatabase({ migrations: false });
    cleanup(t, () => empty.drop());
    const env = { DATABASE_URL: empty.url };
    assertFault(await production({}, { env }), 3, /lacks \d+ migration\(s\): 0001_register\.sql/, /hems migrate/);
    assert.equal((await hems(['migrate'], { env })).code, 0);
    await empty.db.query({
      text: `insert into hems_migration (version, name, checksum) values (9999, '9999_tomorrow.sql', 'x')`,
    });
    assertFault(await production({}, { env }), 3, /newer than this hems: it has 9999_tomorrow\.sql/);
    assertFault(await hems(['migrate'], { env }), 3, /newer than this hems/);
  });

  test('several faults at once are told at once', async () => {
    const door = { publicUrl: 'https://hems.example/cwmp', certificates: [{ chain: 'hems.crt', key: 'other.key' }] };
    const ended = await production({ door });
    assertFault(ended, 2, /configuration has 2 faults/, /does not cover hems\.example/, /is not the key of/);
  });
});

describe('serve --config', { timeout: 120_000 }, () => {
  test('serves the operator’s own: its certificate, its anchor, its database', async (t) => {
    const database = await createTestDatabase();
    cleanup(t, () => database.drop());
    const ground = await ownGround(testFolder(t));
    const config = ownConfig(ground, 'hems.yaml');
    const env = { DATABASE_URL: database.url, HEMS_CONFIG: config };
    const checked = await hems(['config', 'check', '--json'], { env });
    assert.deepEqual([checked.code, json<{ ok: boolean }>(checked).ok], [0, true], checked.stderr);
    const printed = await hems(['config', 'print'], { env });
    assert.match(printed.stdout, /publicUrl: https:\/\/localhost\/cwmp/);
    const running = await serve([], { env });
    cleanup(t, () => void running.child.kill('SIGKILL'));
    const identity = '00a0bc000001.hnb.realcells.example';
    const added = await hems(['device', 'add', '--anchor', 'realcells', '--identity', identity], { env });
    assert.equal(added.code, 0, added.stderr);
    const { chain, key } = await ground.maker.issue({ name: identity, purpose: 'clientAuth' });
    const port = new URL((await doors(running.stderr())) ?? '').port;
    const cell = createFemtocell({
      url: `https://localhost:${port}/cwmp`,
      ca: ground.operator.certificate,
      credentials: { chain, key },
      deviceId: { manufacturer: 'Real', oui: '00A0BC', productClass: 'FAP', serialNumber: '1' },
      timeoutMs: 10_000,
    });
    const session = await runSession(cell);
    assert.deepEqual([session.informed, session.complete], [true, true], JSON.stringify(session));
    await assertTakenUpBySignal(ground, running, Number(port));
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).code, 0);
  });
});

/** SIGHUP: a good new certificate is served, a bad one is not, and the server goes on either way. */
async function assertTakenUpBySignal(ground: OwnGround, running: Running, port: number): Promise<void> {
  const served = async (): Promise<string> => {
    const socket = await openTlsSocket({ port, ca: ground.operator.certificate });
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const put = (name: string, text: string): void => writeFileSync(join(ground.folder, name), text);
  const old = await served();
  const bad = await ground.operator.issue({ name: 'other.example', purpose: 'serverAuth' });
  put('hems.crt', bad.chain);
  put('hems.key', bad.key);
  running.child.kill('SIGHUP');
  await until(
    running.stderr,
    (log) => /"level":"error".*does not cover localhost.*the old ones go on/.test(log),
    'an error',
  );
  assert.equal(await served(), old);
  const good = await ground.operator.issue({ name: 'localhost', purpose: 'serverAuth' });
  put('hems.crt', good.chain);
  put('hems.key', good.key);
  running.child.kill('SIGHUP');
  await until(served, (fingerprint) => fingerprint === new X509Certificate(good.chain).fingerprint256, 'the new one');
}

/** In production the ready line has the public URL; the log has the port that it is behind. */
async function doors(log: string): Promise<string | undefined> {
  const ready = log.split('\n').find((line) => line.includes('"msg":"ready"'));
  const { doors: open } = JSON.parse(ready ?? '{}') as { doors?: { url: string; port: number }[] };
  return open?.[0] === undefined ? undefined : `https://localhost:${open[0].port}`;
}
