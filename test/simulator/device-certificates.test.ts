import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { anchorPlans } from '../../src/simulator/development-authorities.ts';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { type DeviceFault, type DeviceOrder, issueDevice } from '../../src/simulator/device-certificates.ts';

const root = mkdtempSync(join(tmpdir(), 'hems-devices-'));
after(() => rmSync(root, { recursive: true, force: true }));
const at = new Date();
let pki: DevelopmentPki;
before(async () => {
  pki = await createDevelopmentPki(join(root, 'pki'), at);
});

const identity = '00a0bc123456.hnb.acme.example';
let counter = 0;

async function issue(
  order: Partial<DeviceOrder> = {},
): Promise<{ folder: string; text: string; verdict: string; leaf: X509Certificate }> {
  const folder = join(root, `device-${counter++}`);
  const anchor = order.anchor ?? 'acme';
  const device = await issueDevice({ pki, anchor, identity, key: 'ec', at, ...order, out: folder });
  const file = join(folder, 'device.crt');
  const ca = join(pki.dir, `${anchorPlans[anchor].root}.crt`);
  const run = (...args: string[]): string => {
    const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    return stdout + stderr;
  };
  return {
    folder,
    leaf: new X509Certificate(device.chain),
    text: run('x509', '-in', file, '-noout', '-text'),
    verdict: run('verify', '-purpose', 'sslclient', '-CAfile', ca, '-untrusted', file, file),
  };
}

describe('device certificates', () => {
  for (const anchor of ['acme', 'zenith', 'operator'] as const)
    for (const key of ['ec', 'rsa'] as const)
      test(`openssl accepts a good ${key} device of ${anchor}`, async () => {
        const { verdict, text, leaf } = await issue({
          anchor,
          key,
          identity: `00a0bc000001.${anchorPlans[anchor].realm}`,
        });
        assert.match(verdict, /: OK\n$/);
        assert.match(text, /Key Usage: critical\n +Digital Signature\n/);
        assert.match(text, /TLS Web Client Authentication\n/);
        assert.equal(leaf.subjectAltName, `DNS:00a0bc000001.${anchorPlans[anchor].realm}`);
      });

  test('come with their chain, a key that only the owner reads, and the CA of the H(e)MS', async () => {
    const { folder } = await issue();
    assert.deepEqual(readdirSync(folder).sort(), ['ca.crt', 'device.crt', 'device.key']);
    assert.equal(statSync(join(folder, 'device.key')).mode & 0o777, 0o600);
    const subjects = spawnSync(
      'sh',
      ['-c', `openssl crl2pkcs7 -nocrl -certfile ${folder}/device.crt | openssl pkcs7 -print_certs -noout`],
      { encoding: 'utf8' },
    );
    assert.deepEqual(subjects.stdout.match(/subject=.*/g), [
      `subject=O = Acme Femto, CN = ${identity}`,
      'subject=O = Acme Femto, CN = Acme Femto Development Issuing CA',
    ]);
  });

  test('an identity without a realm stands in the common name alone', async () => {
    const { leaf } = await issue({ identity: '00D09E-FAP-0123456789' });
    assert.equal(leaf.subjectAltName, undefined);
    assert.match(leaf.subject, /CN=00D09E-FAP-0123456789/);
  });

  test('a renewed certificate may keep its key', async () => {
    const first = await issueDevice({ pki, anchor: 'acme', identity, key: 'ec', at });
    const second = await issueDevice({ pki, anchor: 'acme', identity, key: first.pair, at });
    assert.equal(first.key, second.key);
    assert.notEqual(first.fingerprint, second.fingerprint);
  });

  test('the fingerprint is the one openssl prints', async () => {
    const device = await issueDevice({ pki, anchor: 'acme', identity, key: 'ec', at, out: join(root, 'fingerprint') });
    const { stdout } = spawnSync(
      'openssl',
      ['x509', '-in', join(root, 'fingerprint/device.crt'), '-noout', '-fingerprint', '-sha256'],
      { encoding: 'utf8' },
    );
    assert.equal(stdout.trim().split('=')[1]?.replaceAll(':', '').toLowerCase(), device.fingerprint);
  });

  /** What openssl must say of the path, and what must stand in the certificate. */
  const faults: readonly (readonly [DeviceFault, verdict: RegExp, text: RegExp])[] = [
    ['expired', /certificate has expired/, /Not After/],
    ['not-yet-valid', /certificate is not yet valid/, /Not Before/],
    ['no-expiry', /: OK\n$/, /Not After : Dec 31 23:59:59 9999 GMT/],
    ['wrong-eku', /unsuitable certificate purpose/, /TLS Web Server Authentication\n(?!.*Client)/],
    ['no-eku', /: OK\n$/, /^(?![\s\S]*Extended Key Usage)/],
    ['sha1-signature', /: OK\n$/, /Signature Algorithm: ecdsa-with-SHA1\n/],
    ['two-identities', /: OK\n$/, /DNS:00a0bc123456\.hnb\.acme\.example, DNS:00a0bc12345f\.hnb\.acme\.example/],
    ['foreign-realm', /: OK\n$/, /DNS:00a0bc123456\.hnb\.elsewhere\.example\n/],
    ['cn-only', /: OK\n$/, /CN = 00a0bc123456\.hnb\.acme\.example\n(?![\s\S]*DNS:)/],
    ['no-identity', /: OK\n$/, /CN = femtocell\n(?![\s\S]*DNS:)/],
    ['unknown-ca', /self-signed certificate in certificate chain/, /Issuer: O = Nobody/],
    [
      'impostor-ca',
      /self-signed certificate in certificate chain/,
      /Issuer: O = Acme Femto, CN = Acme Femto Development Issuing CA/,
    ],
    ['no-intermediate', /unable to get local issuer certificate/, /Issuer: O = Acme Femto/],
    ['ca-true-leaf', /: OK\n$/, /CA:TRUE/],
    [
      'unknown-critical-extension',
      /unhandled critical extension/,
      /2\.25\.271828182845904523536028747135266249: critical/,
    ],
    ['path-length', /path length constraint exceeded/, /Issuer: O = Acme Femto, CN = One CA too many/],
  ];
  for (const [fault, verdictPattern, textPattern] of faults)
    test(`the fault ${fault} is really there`, async () => {
      const { verdict, text } = await issue({ faults: [fault] });
      assert.match(verdict, verdictPattern);
      assert.match(text, textPattern);
    });

  test('an RSA CA signs with SHA-1 and MD5 when asked to, and the signature is good', async () => {
    for (const [fault, name] of [
      ['sha1-signature', 'sha1'],
      ['md5-signature', 'md5'],
    ] as const) {
      const { verdict, text } = await issue({ anchor: 'zenith', faults: [fault] });
      assert.match(text, new RegExp(`Signature Algorithm: ${name}WithRSAEncryption`));
      assert.match(verdict, /: OK\n$/);
    }
  });

  test('a 1024-bit RSA key is one', async () => {
    const { text } = await issue({ key: 'rsa-1024' });
    assert.match(text, /Public-Key: \(1024 bit\)/);
  });

  test('openssl -x509_strict finds nothing to complain about in a good chain', async () => {
    const { folder, leaf } = await issue();
    const file = join(folder, 'device.crt');
    const strict = spawnSync(
      'openssl',
      ['verify', '-x509_strict', '-CAfile', join(pki.dir, 'acme-root.crt'), '-untrusted', file, file],
      { encoding: 'utf8' },
    );
    assert.equal(strict.status, 0, strict.stderr);
    writeFileSync(join(folder, 'leaf.crt'), leaf.toString());
    const alone = spawnSync(
      'openssl',
      ['verify', '-CAfile', join(pki.dir, 'acme-root.crt'), join(folder, 'leaf.crt')],
      { encoding: 'utf8' },
    );
    assert.notEqual(alone.status, 0, 'without its issuing CA the chain is incomplete');
  });
});
