/** Other people's clients and scanners at the door of a whole server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stage as dress, type Role } from '../../src/simulator/scenarios/cast.ts';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import { peer, unless } from '../support/peers.ts';
import { informOf } from './conversation.ts';
import { metric } from './evidence.ts';
import { openStage, ownFolder, type Stage } from './stage.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
}

function run(program: string, args: readonly string[], input = '', withinMs = 60_000): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { timeout: withinMs, maxBuffer: 16 * 1024 * 1024, env: { PATH: process.env.PATH, LC_ALL: 'C' } };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, out: `${stdout}${stderr}` });
    });
    child.stdin?.on('error', () => undefined).end(input);
  });
}

const modernSuites = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

describe('real peers', { timeout: 600_000 }, () => {
  let stage: Stage;
  let device: Role;
  let cell: Femtocell;
  const files = { cert: '', key: '', ca: '', inform: '' };
  let folder: string;
  before(async () => {
    stage = await openStage();
    device = await stage.known();
    cell = await dress(stage.context, device);
    folder = ownFolder();
    const { credentials, ca } = cell.options;
    const texts = { cert: credentials?.chain ?? '', key: credentials?.key ?? '', ca, inform: informOf(cell) };
    for (const name of ['cert', 'key', 'ca', 'inform'] as const) {
      files[name] = join(folder, name);
      writeFileSync(files[name], texts[name]);
    }
  });
  after(() => stage.stop());

  const url = (): string => stage.context.doors.main;
  const curl = (...args: string[]): Promise<Ran> =>
    run(peer('curl') ?? '', [
      '--silent',
      '--show-error',
      '--include',
      '--max-time',
      '20',
      '--cacert',
      files.ca,
      ...args,
    ]);
  const asDevice = (): string[] => ['--cert', files.cert, '--key', files.key];
  const openssl = (args: readonly string[], input?: string): Promise<Ran> => {
    const to = ['-connect', `127.0.0.1:${stage.port()}`, '-servername', 'localhost', '-CAfile', files.ca];
    return run(peer('openssl') ?? '', ['s_client', ...to, ...args], input, 20_000);
  };
  const withCertificate = (): string[] => ['-cert', files.cert, '-key', files.key, '-cert_chain', files.cert];

  describe('curl', { skip: unless('curl') }, () => {
    const post = ['--header', 'Content-Type: text/xml', '--header', 'SOAPAction:'];
    for (const version of ['1.2', '1.3'])
      test(`over TLS ${version} holds a whole session: Inform, cookie, empty POST, 204`, async () => {
        const jar = join(folder, `jar-${version}`);
        const tls = [`--tlsv${version}`, '--tls-max', version, '--cookie-jar', jar, '--cookie', jar];
        const inform = await curl(...asDevice(), ...tls, ...post, '--data-binary', `@${files.inform}`, url());
        assert.equal(inform.code, 0, inform.out);
        assert.match(inform.out, /HTTP\/1\.1 200 OK[\s\S]*set-cookie: hems=[\s\S]*<cwmp:InformResponse>/i);
        const empty = await curl(...asDevice(), ...tls, '--data-binary', '', url());
        assert.match(empty.out, /HTTP\/1\.1 204/);
      });

    test('may send its Inform in chunks, packed, and only after 100 Continue', async () => {
      const headers = ['--header', 'Transfer-Encoding: chunked', '--header', 'Expect: 100-continue'];
      const sent = await curl(...asDevice(), ...post, ...headers, '--data-binary', `@${files.inform}`, url());
      assert.match(sent.out, /HTTP\/1\.1 100 Continue[\s\S]*HTTP\/1\.1 200 OK[\s\S]*InformResponse/);
    });

    test('without a certificate hears not one byte, whether or not it sends a password', async () => {
      for (const more of [[], ['--user', 'cell:geheim'], ['--digest', '--user', 'cell:geheim']]) {
        const { code, out } = await curl(...more, ...post, '--data-binary', `@${files.inform}`, url());
        assert.notEqual(code, 0);
        assert.doesNotMatch(out, /HTTP\/1/);
      }
    });

    test('with a certificate and a password on top is refused, and asked for none', async () => {
      const { out } = await curl(...asDevice(), '--user', 'cell:geheim', ...post, '--data-binary', 'x', url());
      assert.match(out, /HTTP\/1\.1 403/);
      assert.doesNotMatch(out, /www-authenticate/i);
      assert.doesNotMatch(stage.log.join(''), /geheim|Y2VsbDpnZWhlaW0/);
    });

    test('over plain HTTP hears nothing, no redirect either', async () => {
      const { code, out } = await curl(url().replace('https:', 'http:'));
      assert.equal(code, 52, out);
      assert.doesNotMatch(out, /HTTP\/1/);
    });
  });

  describe('openssl s_client', { skip: unless('openssl') }, () => {
    for (const version of ['tls1_2', 'tls1_3'])
      test(`-${version} trusts the H(e)MS’s chain and is asked for a certificate of the anchors`, async () => {
        const { out } = await openssl([`-${version}`, ...withCertificate(), '-verify_return_error'], 'Q\n');
        assert.match(out, /Verification: OK|Verify return code: 0 \(ok\)/);
        assert.match(out, /Acceptable client certificate CA names[\s\S]*CN ?= ?Acme Femto Development Root/);
        assert.match(out, /Compression: NONE/);
        if (version === 'tls1_3') return;
        assert.match(out, /Secure Renegotiation IS supported/);
        assert.match(out, /Extended master secret: yes/);
      });

    test('cannot renegotiate', async () => {
      const { out } = await openssl(['-tls1_2', ...withCertificate()], 'R\nR\n');
      assert.match(out, /no renegotiation|unexpected message|RENEGOTIATING/i);
      assert.doesNotMatch(out, /HTTP\/1/);
    });

    for (const [what, args] of Object.entries({
      'TLS 1.1': ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
      'TLS 1.0': ['-tls1', '-cipher', 'ALL:@SECLEVEL=0'],
      'NULL suites': ['-tls1_2', '-cipher', 'NULL:eNULL:@SECLEVEL=0'],
      'anonymous suites': ['-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0'],
      'static RSA': ['-tls1_2', '-cipher', 'AES128-SHA:AES128-GCM-SHA256'],
      'CBC suites': ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA384'],
      'PSK suites': ['-tls1_2', '-psk', '00', '-cipher', 'PSK'],
    }))
      test(`finds no door for ${what}`, async () => {
        const { code, out } = await openssl([...args, ...withCertificate()], 'Q\n');
        assert.notEqual(code, 0, out);
        assert.match(out, /Cipher is \(NONE\)|no cipher|alert/i);
      });

    for (const version of ['tls1_2', 'tls1_3'])
      test(`-${version} resumes its session here and nowhere else, and sends no early data`, async () => {
        const session = join(folder, `session-${version}`);
        // A session's ticket comes with the first answer that s_client reads.
        const ask = `POST /cwmp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
        const first = await openssl([`-${version}`, ...withCertificate(), '-ign_eof', '-sess_out', session], ask);
        assert.match(first.out, /HTTP\/1\.1 204/);
        assert.match(first.out, /^New, TLSv1/m);
        const back = await openssl([`-${version}`, ...withCertificate(), '-ign_eof', '-sess_in', session], ask);
        assert.match(back.out, /^Reused, TLSv1/m);
        assert.match(back.out, /HTTP\/1\.1 204/);
        assert.doesNotMatch(back.out, /Early data was accepted/);
        if (version === 'tls1_3') assert.match(first.out, /Max Early Data: 0/);
      });
  });

  test('sslscan sees the profile and nothing beyond it', { skip: unless('sslscan') }, async () => {
    const args = ['--no-colour', '--xml=-', `127.0.0.1:${stage.port()}`];
    const { out } = await run(peer('sslscan') ?? '', args, '', 300_000);
    const protocols = [...out.matchAll(/<protocol type="(\w+)" version="([\d.]+)" enabled="(\d)"/g)];
    const enabled = protocols.filter(([, , , on]) => on === '1').map(([, type, version]) => `${type} ${version}`);
    assert.deepEqual(enabled.sort(), ['tls 1.2', 'tls 1.3']);
    const suites = [...out.matchAll(/<cipher status="\w+" sslversion="[^"]+" bits="\d+" cipher="([^"]+)"/g)];
    assert.ok(suites.length >= 4, out);
    for (const [, suite] of suites) assert.ok(modernSuites.includes(suite ?? ''), suite);
    assert.match(out, /<renegotiation supported="0"/);
    assert.doesNotMatch(out, /<compression supported="1"/);
    assert.doesNotMatch(out, /<heartbleed[^>]*vulnerable="1"/);
  });

  test('testssl finds no protocol, suite or weakness beyond it', { skip: unless('testssl') }, async () => {
    const args = ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'none', '--ip', '127.0.0.1'];
    const what = ['--protocols', '--std', '--fs', '--heartbleed', '--renegotiation', '--crime', '--robot', '--sweet32'];
    const target = `localhost:${stage.port()}`;
    const { out } = await run(peer('testssl') ?? '', [...args, ...what, target], '', 420_000);
    for (const line of [
      /SSLv2 +not offered \(OK\)/,
      /SSLv3 +not offered \(OK\)/,
      /TLS 1 +not offered/,
      /TLS 1\.1 +not off/,
    ])
      assert.match(out, line);
    assert.match(out, /TLS 1\.3 +offered \(OK\)/);
    assert.doesNotMatch(out, /VULNERABLE \(NOT ok\)|offered \(NOT ok\)/);
  });

  test('none of them left a session open or a device in', async () => {
    assert.equal(await metric(stage.metrics, 'hems_trust_decisions_total', { outcome: 'admitted', anchor: 'none' }), 0);
    const { rows } = await stage.db.query<{ count: number }>({ text: 'select count(*) from devices' });
    assert.equal(rows[0]?.count, 1);
  });
});
