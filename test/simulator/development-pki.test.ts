import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { authorityPlans } from '../../src/simulator/development-authorities.ts';
import { createDevelopmentPki, isDevelopmentPki, openDevelopmentPki } from '../../src/simulator/development-pki.ts';
import { DEVELOPMENT_MARK_OID } from '../../src/x509/development-mark.ts';

const root = mkdtempSync(join(tmpdir(), 'hems-pki-'));
after(() => rmSync(root, { recursive: true, force: true }));
const at = new Date();
const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8' });

describe('development PKI', () => {
  test('is made once and taken up afterwards', async () => {
    const first = await createDevelopmentPki(join(root, 'once'), at);
    const before = readFileSync(first.server.ec.chain, 'utf8');
    const second = await createDevelopmentPki(join(root, 'once'), at);
    assert.deepEqual([first.created, second.created], [true, false]);
    assert.equal(readFileSync(second.server.ec.chain, 'utf8'), before);
    assert.deepEqual(
      first.anchors.map(({ name, kind, realms }) => [name, kind, realms]),
      [
        ['acme', 'manufacturer', ['hnb.acme.example']],
        ['zenith', 'manufacturer', ['hnb.zenith.example']],
        ['operator', 'operator', ['hnb.operator.example']],
      ],
    );
  });

  test('keeps its keys to its owner', async () => {
    const { dir } = await createDevelopmentPki(join(root, 'once'), at);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    const keys = readdirSync(dir).filter((name) => name.endsWith('.key'));
    assert.equal(keys.length, authorityPlans.length + 2);
    for (const key of keys) assert.equal(statSync(join(dir, key)).mode & 0o777, 0o600, key);
  });

  test('openssl accepts every authority and both H(e)MS certificates for localhost, 127.0.0.1 and ::1', async () => {
    const pki = await createDevelopmentPki(join(root, 'once'), at);
    const file = (name: string): string => join(pki.dir, name);
    for (const maker of ['acme', 'zenith'])
      assert.match(
        openssl('verify', '-x509_strict', '-CAfile', file(`${maker}-root.crt`), file(`${maker}-issuing.crt`)),
        /OK/,
      );
    for (const { chain } of [pki.server.ec, pki.server.rsa])
      for (const name of [
        ['-verify_hostname', 'localhost'],
        ['-verify_ip', '127.0.0.1'],
        ['-verify_ip', '::1'],
      ])
        assert.match(
          openssl('verify', '-x509_strict', '-purpose', 'sslserver', ...name, '-CAfile', pki.operatorCa.path, chain),
          /OK/,
        );
  });

  test('the H(e)MS certificates are ECDSA P-256 and RSA-2048, match their keys, and began long ago', async () => {
    const pki = await createDevelopmentPki(join(root, 'once'), at);
    const read = ({ chain }: { chain: string }): X509Certificate => new X509Certificate(readFileSync(chain));
    const [ec, rsa] = [read(pki.server.ec), read(pki.server.rsa)];
    assert.equal(ec.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(rsa.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
    for (const [certificate, { key }] of [
      [ec, pki.server.ec],
      [rsa, pki.server.rsa],
    ] as const) {
      const shown = openssl('pkey', '-in', key, '-pubout');
      assert.equal(certificate.publicKey.export({ type: 'spki', format: 'pem' }), shown);
      assert.ok(certificate.validFromDate.getUTCFullYear() <= 2020);
      assert.match(certificate.toLegacyObject().ext_key_usage?.join() ?? '', /^1\.3\.6\.1\.5\.5\.7\.3\.1$/);
    }
  });

  test('every authority is marked as a toy, and no other certificate is', async () => {
    const { dir } = await createDevelopmentPki(join(root, 'once'), at);
    const marked = readdirSync(dir)
      .filter((name) => name.endsWith('.crt'))
      .filter((name) =>
        openssl('x509', '-in', join(dir, name), '-noout', '-text').includes(`${DEVELOPMENT_MARK_OID}: \n`),
      );
    assert.deepEqual(marked.sort(), authorityPlans.map(({ name }) => `${name}.crt`).sort());
  });

  test('one that a crash left damaged is set aside and made anew', async () => {
    const dir = join(root, 'damaged');
    const first = await createDevelopmentPki(dir, at);
    truncateSync(join(dir, 'zenith-issuing.key'), 100);
    assert.equal(await isDevelopmentPki(dir), false);
    await assert.rejects(openDevelopmentPki(dir), /no complete development PKI/);
    const second = await createDevelopmentPki(dir, at);
    assert.equal(second.created, true);
    assert.ok(second.setAside !== undefined && readdirSync(second.setAside).includes('acme-root.key'));
    assert.notDeepEqual(first.authorities[0]?.certificate, second.authorities[0]?.certificate);
  });

  test('a kill in the middle of making leaves nothing that looks whole', { timeout: 120_000 }, async () => {
    const source = new URL('../../src/simulator/development-pki.ts', import.meta.url).href;
    const dir = join(root, 'killed');
    // Each start is killed a little later than the one before; the first that survives ends the loop.
    let survived = false;
    for (let ms = 250; !survived && ms < 20_000; ms *= 1.2) {
      const script = `import { createDevelopmentPki } from ${JSON.stringify(source)}; await createDevelopmentPki(${JSON.stringify(dir)}, new Date());`;
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        timeout: Math.round(ms),
        killSignal: 'SIGKILL',
      });
      survived = run.status === 0;
      const present = (() => {
        try {
          return readdirSync(dir).length > 0;
        } catch {
          return false;
        }
      })();
      assert.equal(await isDevelopmentPki(dir), present, `killed after ${ms} ms`);
    }
    assert.ok(survived);
  });

  test('a draft that a killed process left is cleared away once it is old', async () => {
    const draft = join(root, '.cleared.new-0');
    const young = join(root, '.cleared.new-1');
    for (const folder of [draft, young]) mkdirSync(folder);
    const hourAgo = new Date(at.getTime() - 3_600_000);
    utimesSync(draft, hourAgo, hourAgo);
    await createDevelopmentPki(join(root, 'cleared'), at);
    assert.deepEqual([existsSync(draft), existsSync(young)], [false, true]);
  });

  test('five processes at once end up with the same one', async () => {
    const dir = join(root, 'race');
    const made = await Promise.all(Array.from({ length: 5 }, () => createDevelopmentPki(dir, at)));
    assert.equal(made.filter(({ created }) => created).length, 1);
    const final = await openDevelopmentPki(dir);
    for (const { authorities } of made)
      assert.deepEqual(
        authorities.map(({ certificate }) => certificate),
        final.authorities.map(({ certificate }) => certificate),
      );
    assert.deepEqual(
      readdirSync(root).filter((name) => name.includes('race.new')),
      [],
    );
  });

  test('a folder that holds something else is left alone', async () => {
    const dir = join(root, 'foreign');
    mkdirSync(dir);
    writeFileSync(join(dir, 'thesis.txt'), 'years of work');
    await assert.rejects(createDevelopmentPki(dir, at), /thesis\.txt/);
    assert.deepEqual(readdirSync(dir), ['thesis.txt']);
  });
});
