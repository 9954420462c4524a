/** What strangers write into certificates and messages, on its way to the terminal, to JSON, to logs and metrics. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFemtocell } from '../../src/simulator/femtocell.ts';
import { perform, role } from '../../src/simulator/scenarios/cast.ts';
import { cleanup } from '../support/cleanup.ts';
import { createTestDatabase } from '../support/database.ts';
import { httpRequest, sayOverTls, wire } from './clients.ts';
import { openConversation } from './conversation.ts';
import { hems } from './command.ts';
import { rowsFrom, until } from './evidence.ts';
import { cellOptions } from './further-ways.ts';
import { mintDevice } from './mint.ts';
import { withStage } from './stage.ts';

/** As a certificate can hold it; XML can carry no NUL and no ESC, so the Inform has the rest. */
const inCertificate = 'cell\u0000\u001b[2J\r\nforged: line\u0085\u202eevil\u2066=1+1<script>alert(1)</script>';
const inMessage = 'FAP\u0085\u202eevil\u2066=1+1<script>alert(1)</script>\u200b';
const dangerous = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\u2028\u2029]/u;

describe('text of strangers', { timeout: 180_000 }, () => {
  test('from a certificate and an Inform appears escaped in the terminal, in JSON and in the log', async (t) => {
    const database = await createTestDatabase();
    cleanup(t, () => database.drop());
    const stage = await withStage(t, { database, logLevel: 'trace' });
    const device = await stage.known();
    const subject = [
      ['CN', inCertificate],
      ['O', `${inCertificate}${'x'.repeat(60_000)}`],
    ] as const;
    const credentials = await mintDevice(stage.pki, { subject, alternative: [device.identity] });
    const options = cellOptions(stage, device, { credentials });
    const claim = { ...options.deviceId, manufacturer: inMessage, productClass: inMessage };
    const cell = createFemtocell({ ...options, deviceId: claim });
    const seen = await perform(cell);
    assert.deepEqual([seen.informed, seen.complete], [true, true]);

    const stranger = role(stage.cast, 'acme');
    const unknown = await mintDevice(stage.pki, { subject, alternative: [stranger.identity] });
    const refused = await perform(createFemtocell(cellOptions(stage, stranger, { credentials: unknown })));
    const [row] = await rowsFrom(stage.db, refused.localPorts);
    assert.equal(row?.reason, 'device_unknown');
    assert.doesNotMatch(row.subject ?? '\0', dangerous);
    assert.ok((row.subject ?? '').length <= 4096);

    const env = { DATABASE_URL: database.url };
    for (const args of [
      ['device', 'show', device.identity],
      ['device', 'list'],
      ['events', '--no-follow'],
      ['audit', 'show', '--limit', '100'],
      ['device', 'conflicts'],
    ]) {
      const people = await hems(args, { env });
      assert.equal(people.code, 0, people.stderr);
      assert.doesNotMatch(people.stdout, dangerous, args.join(' '));
      assert.doesNotMatch(people.stdout, /^forged/m);
      for (const line of people.stdout.split('\n')) assert.ok(line.length < 1000, `${line.length} characters`);
      const machines = await hems([...args, '--json'], { env });
      assert.doesNotMatch(machines.stdout, dangerous, args.join(' '));
      for (const line of machines.stdout.trimEnd().split('\n')) JSON.parse(line);
    }
    for (const format of ['csv', 'ndjson']) {
      const shipped = await hems(['device', 'export', '--format', format], { env });
      assert.equal(shipped.code, 0, shipped.stderr);
      assert.doesNotMatch(shipped.stdout, dangerous);
      assert.doesNotMatch(shipped.stdout, /(^|,)"?[=+@-]/m);
    }
    await until(
      () => stage.log,
      (lines) => lines.length > 2,
      'a log',
    );
    for (const line of stage.log) {
      assert.doesNotMatch(line, dangerous);
      assert.ok(line.length < 8000, line.slice(0, 200));
      JSON.parse(line);
    }
    const metrics = await (await fetch(`${stage.app.management}/metrics`)).text();
    assert.doesNotMatch(metrics, /evil|script|cell\\/);
  });

  test('a name of 64 KB, as server name and as identity, is refused or cut, and costs nothing but that', async (t) => {
    const stage = await withStage(t);
    const long = `${'a'.repeat(65_000)}.hnb.acme.example`;
    const credentials = await mintDevice(stage.pki, { subject: [['CN', long]], alternative: [long] });
    const device = role(stage.cast, 'acme');
    const refused = await perform(createFemtocell(cellOptions(stage, device, { credentials })));
    assert.equal(refused.informed, false);
    const [row] = await rowsFrom(stage.db, refused.localPorts);
    assert.equal(row?.outcome, 'refused');
    assert.ok(JSON.stringify(row).length < 20_000);
  });
});

describe('secrets', { timeout: 60_000 }, () => {
  test('of a device that sends some are in no row, no log line and no metric', async (t) => {
    const stage = await withStage(t, { logLevel: 'trace' });
    const device = await stage.known();
    const credentials = await mintDevice(stage.pki, { subject: [['CN', 'cell']], alternative: [device.identity] });
    const cell = createFemtocell(cellOptions(stage, device, { credentials }));
    const secret = 'cGVlcDpnZWhlaW0tNDcxMQ==';
    for (const scheme of ['Basic', 'Digest', 'Bearer']) {
      const headers = { Authorization: `${scheme} ${secret}`, 'Proxy-Authorization': `${scheme} ${secret}` };
      const bytes = httpRequest('POST', `/cwmp?password=${secret}`, { headers, body: '' });
      await sayOverTls({ ...wire(stage, cell), bytes, enough: (text) => text.includes('\r\n\r\n') });
    }
    const conversation = await openConversation(stage, cell);
    const reply = await conversation.inform();
    const cookie = reply.kind === 'reply' ? (reply.headers.get('set-cookie')?.[0] ?? '') : '';
    assert.match(cookie, /^hems=[\w-]{32}; Path=\/; Secure; HttpOnly$/);
    conversation.hangUp();
    await rowsFrom(stage.db, [conversation.localPort]);
    const { rows: tables } = await stage.db.query<{ name: string }>({
      text: `select relname as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`,
    });
    const stored: string[] = [];
    for (const { name } of tables)
      stored.push(JSON.stringify((await stage.db.query({ text: `select * from ${name}` })).rows));
    const metrics = await (await fetch(`${stage.app.management}/metrics`)).text();
    const session = /^hems=([\w-]+)/.exec(cookie)?.[1] ?? 'none';
    for (const text of [...stored, ...stage.log, metrics]) {
      assert.ok(!text.includes(secret) && !text.includes('geheim'));
      assert.ok(!text.includes(session));
      assert.doesNotMatch(text, /BEGIN (EC |RSA )?PRIVATE KEY/);
    }
  });
});
