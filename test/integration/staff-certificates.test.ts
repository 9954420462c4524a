import assert from 'node:assert/strict';
import { request } from 'node:https';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { developmentDefaults } from '../../src/cli/development.ts';
import { systemClock } from '../../src/platform/clock.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  mintCertificate,
  type Purpose,
  pem,
  subjectAltName,
} from '../../src/simulator/certificate-minting.ts';
import { findAuthority } from '../../src/simulator/development-authorities.ts';
import { newKeyPair, privateKeyPem } from '../../src/simulator/key-pairs.ts';
import { stage as cellOf } from '../../src/simulator/scenarios/cast.ts';
import { createApiKeys } from '../../src/trust/access/api-keys.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { nameToString } from '../../src/x509/name.ts';
import { readPem } from '../../src/x509/pem.ts';
import { httpRequest, sayOverTls } from './clients.ts';
import { until } from './evidence.ts';
import { applyPolicy, by, crlOf, importCrls } from './revoking.ts';
import { hems } from './command.ts';
import { developmentPki, openStage, ownFolder, type Stage } from './stage.ts';

interface Shown {
  readonly cert?: string;
  readonly key?: string;
}

/** One CA issues certificates of devices and of people. */
describe('client certificates at the management door, and at the doors for devices', { timeout: 120_000 }, () => {
  let stage: Stage;
  let device: Awaited<ReturnType<typeof deviceOf>>;
  const subjects = {
    maria: 'CN=maria,O=Noc',
    north: 'CN=north,O=Noc',
    tool: 'CN=tool,O=Noc',
    mixed: 'CN=mixed,O=Noc',
    server: 'CN=server,O=Noc',
  };

  async function mintStaff(name: string, options: { purpose?: Purpose; san?: string; days?: number } = {}) {
    const authority = findAuthority((await developmentPki()).authorities, 'acme-issuing');
    const pair = await newKeyPair('ec');
    const day = 86_400_000;
    const der = await mintCertificate({
      subject: [
        ['O', 'Noc'],
        ['CN', name],
      ],
      publicKey: pair.publicKey,
      issuer: authority.issuer,
      notBefore: new Date(Date.now() - 10 * day),
      notAfter: new Date(Date.now() + (options.days ?? 100) * day),
      extensions: [
        basicConstraints(false),
        keyUsage('digitalSignature'),
        extendedKeyUsage(options.purpose ?? 'clientAuth'),
        authorityKeyIdentifier(authority.issuer.publicKey),
        ...(options.san === undefined ? [] : [subjectAltName(options.san)]),
      ],
    });
    const { serialNumber, subject } = parseCertificate(der);
    const cert = pem('CERTIFICATE', der) + pem('CERTIFICATE', authority.certificate);
    return { cert, key: privateKeyPem(pair), serialNumber, subject: nameToString(subject) };
  }

  async function deviceOf() {
    const one = await stage.known('acme');
    const { options } = await cellOf(stage.context, one);
    const { chain = '', key = '' } = options.credentials ?? {};
    const [der] = readPem(chain, 'CERTIFICATE');
    return { cert: chain, key, subject: nameToString(parseCertificate(der ?? assert.fail()).subject), options };
  }

  before(async () => {
    const pki = await developmentPki();
    const [tls] = developmentDefaults(pki).listeners?.[0]?.certificates ?? [];
    const entry = (subject: string) => ({ subject, role: 'operator' as const });
    stage = await openStage({
      config: {
        management: {
          ...{ port: 0, tls },
          clientCertificates: {
            anchors: [join(pki.dir, 'acme-root.crt')],
            subjects: [
              { subject: subjects.maria, role: 'administrator' },
              { subject: subjects.north, role: 'viewer', group: 'north' },
              ...[subjects.mixed, subjects.server, 'CN=00A0BC-000001,O=Noc'].map(entry),
            ],
          },
        },
      },
    });
    device = await deviceOf();
  });
  after(() => stage.stop());

  const ask = (shown: Shown, path = '/api/v1/devices', headers = {}) =>
    new Promise<{ status: number; text: string }>((done, fail) => {
      const url = `${stage.app.management}${path}`;
      const asked = request(url, { ...shown, headers, rejectUnauthorized: false, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () => done({ status: answer.statusCode ?? 0, text }));
      });
      asked.on('error', fail);
      asked.end();
    });

  test('without an entry of the revocation policy for management nobody is let in by a certificate', async () => {
    const maria = await mintStaff('maria');
    assert.equal(maria.subject, subjects.maria);
    const { status, text } = await ask(maria);
    assert.equal(status, 503);
    assert.match(text, /does not name management/);
  });

  test('by the table of subjects, with role and group; not without an entry', async () => {
    await applyPolicy(stage, [
      { name: 'management', sources: [{ kind: 'uploaded-crl' }] },
      { name: 'acme', sources: [{ kind: 'uploaded-crl' }], onUnknown: 'admit' },
    ]);
    assert.equal((await ask(await mintStaff('maria'))).status, 401, 'no CRL yet, so nobody knows');
    await importCrls(stage, await crlOf(stage, 'acme-root', []), await crlOf(stage, 'acme-issuing', []));
    assert.equal((await ask(await mintStaff('maria'), '/api/v1/api-keys')).status, 200);
    const north = await mintStaff('north');
    const own = await ask(north);
    assert.deepEqual([own.status, JSON.parse(own.text)], [200, { items: [] }]);
    assert.equal((await ask(north, '/api/v1/api-keys')).status, 403);
    assert.equal((await ask(await mintStaff('tool'))).status, 403);
    assert.equal((await ask({})).status, 401);
    for (const path of ['/healthz', '/readyz']) assert.equal((await ask({}, path)).status, 200);
  });

  test('no device certificate opens management, whatever the table says', async () => {
    const refused = await ask(device);
    assert.equal(refused.status, 401);
    assert.match(refused.text, /that of a device/);
    const mixed = await mintStaff('mixed', { san: '00a0bc0000aa.hnb.acme.example' });
    assert.equal((await ask(mixed)).status, 401);
    assert.equal((await ask(await mintStaff('00A0BC-000001'))).status, 401);
    // Beside a key it does not matter.
    const made = await createApiKeys({ db: stage.db, clock: systemClock }).create({ name: 'k', role: 'viewer' }, by);
    assert.ok(made.ok);
    assert.equal((await ask(device, '/api/v1/devices', { Authorization: `Bearer ${made.secret}` })).status, 200);
  });

  test('no staff certificate opens a door for devices', async () => {
    const { cert: chain, key } = await mintStaff('maria');
    const heard = await sayOverTls({
      ...{ port: stage.port(), ca: device.options.ca, credentials: { chain, key } },
      bytes: httpRequest('POST', '/cwmp', { body: '' }),
    });
    assert.equal(heard.bytes.length, 0);
    await until(
      () => Promise.resolve(stage.events.some((e) => e.kind === 'admission' && e.reason === 'identity_missing')),
      (yes) => yes,
      'the refusal is told',
    );
  });

  test('a certificate of another purpose, an expired one and one of another CA open nothing', async () => {
    assert.equal((await ask(await mintStaff('server', { purpose: 'serverAuth' }))).status, 401);
    assert.equal((await ask(await mintStaff('maria', { days: -1 }))).status, 401);
    const zenith = await mintStaff('maria');
    const alone = {
      ...zenith,
      cert: zenith.cert.slice(0, zenith.cert.indexOf('-----BEGIN CERTIFICATE-----', 10)),
    };
    assert.equal((await ask(alone)).status, 401, 'its chain is not whole');
  });

  test('the command line comes by certificate too, and says what is wrong with the CA', async () => {
    const folder = ownFolder();
    const maria = await mintStaff('maria');
    for (const [name, text] of Object.entries({ 'me.pem': maria.cert, 'me.key': maria.key }))
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    const url = stage.app.management.replace('127.0.0.1', 'localhost');
    const by_ = ['--certificate', join(folder, 'me.pem'), '--certificate-key', join(folder, 'me.key')];
    const ca = ['--ca', (await developmentPki()).operatorCa.path];
    const listed = await hems(['device', 'list', '--server', url, ...by_, ...ca]);
    assert.deepEqual([listed.code, listed.stderr], [0, '']);
    const untrusting = await hems(['device', 'list', '--server', url, ...by_]);
    assert.deepEqual([untrusting.code, /not trusted here.*\n.*--ca FILE/.test(untrusting.stderr)], [3, true]);
  });

  test('a bad token is not helped by a good certificate', async () => {
    assert.equal((await ask(await mintStaff('maria'), '/api/v1/devices', { Authorization: 'Bearer x' })).status, 401);
  });

  test('a revoked one is refused as soon as the server knows of it, and its sister is not', async () => {
    const maria = await mintStaff('maria');
    assert.equal((await ask(maria)).status, 200);
    const entries = [
      { serialNumber: maria.serialNumber, revokedAt: new Date(Date.now() - 1000), reason: 'keyCompromise' as const },
    ];
    await importCrls(stage, await crlOf(stage, 'acme-issuing', entries));
    assert.equal((await ask(maria)).status, 401);
    assert.equal((await ask(await mintStaff('maria'))).status, 200);
  });
});
