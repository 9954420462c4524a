import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { profileRules } from '../../src/x509/profile.ts';
import { hems, json } from '../integration/command.ts';
import * as der from '../x509/der-writer.ts';
import { algorithms, keyNumber, mint, name } from '../x509/minting.ts';
import * as ext from '../x509/minting-extensions.ts';
import { files, pem } from './certificate-files.ts';

const root = mint({ subject: 'O=Acme/CN=Root', key: keyNumber(0), extensions: ext.caExtensions(0) });
const cellExtensions = ext.deviceExtensions(ext.subjectAltName([{ dns: '00a0bc123456.hnb.acme.example' }]));
const cell = mint({ subject: 'O=Acme/CN=cell', key: keyNumber(2), by: root, extensions: cellExtensions });

function crl(): Uint8Array {
  const { identifier, sign } = algorithms['ecdsa-sha256'];
  const entry = der.sequence(der.integer(0xabcdef), der.time(new Date('2026-02-03T04:05:06Z')));
  const tbs = der.sequence(
    der.integer(1),
    identifier,
    name('O=Acme/CN=Root'),
    der.time(new Date('2026-05-01T00:00:00Z')),
    der.time(new Date('2026-07-01T00:00:00Z')),
    der.sequence(entry),
    der.explicit(0, der.sequence(ext.extension('2.5.29.20', der.integer(7)))),
  );
  return der.sequence(tbs, identifier, der.bits(sign(tbs, root.key.privateKey)));
}

describe('hems certificate show', () => {
  test('prints certificates for people', async (t) => {
    const f = files(t);
    const { code, stdout } = await hems(['certificate', 'show', f.file('chain.pem', pem(cell, root))]);
    assert.equal(code, 0);
    assert.match(stdout, /^Certificate of CN=cell,O=Acme$/m);
    assert.match(stdout, /^ {2}issuer +CN=Root,O=Acme$/m);
    assert.match(stdout, /^ {2}validity +2020-01-01T00:00:00Z to 2049-12-31T23:59:59Z$/m);
    assert.match(stdout, /^ {2}key +EC P-256$/m);
    assert.match(stdout, /^ {2}subjectAltName +dNSName 00a0bc123456.hnb.acme.example$/m);
    assert.match(stdout, /^ {2}basicConstraints +\(critical\) CA, pathLenConstraint 0$/m);
    assert.match(stdout, new RegExp(`SHA-256 +${root.certificate.fingerprint}`));
  });

  test('marks what a certificate breaks of the profile, with the clause', async (t) => {
    const f = files(t);
    const weak = mint({ subject: 'CN=weak', key: keyNumber(2), by: root, extensions: [] });
    const file = f.file('weak.pem', pem(weak));
    const { stdout } = await hems(['certificate', 'show', file]);
    assert.match(stdout, /✗ refused device-key-usage: has no keyUsage \[TS 33\.310 6\.1\.3a\]/);
    assert.match(stdout, /! warning crl-distribution-points: .* \[TS 33\.310 6\.1\.3a\]/);
    const rfc = await hems(['certificate', 'show', file, '--profile', 'rfc5280']);
    assert.doesNotMatch(rfc.stdout, /✗/);
  });

  test('prints CRLs, in PEM and in DER, with their first entries', async (t) => {
    const f = files(t);
    const text = `-----BEGIN X509 CRL-----\n${Buffer.from(crl()).toString('base64')}\n-----END X509 CRL-----\n`;
    for (const file of [f.file('crl.der', crl()), f.file('crl.pem', text)]) {
      const { code, stdout } = await hems(['certificate', 'show', file]);
      assert.equal(code, 0);
      assert.match(stdout, /^CRL of CN=Root,O=Acme$/m);
      assert.match(stdout, /^ {2}cRLNumber +7$/m);
      assert.match(stdout, /^ {4}abcdef +2026-02-03T04:05:06Z unspecified$/m);
    }
  });

  test('prints OCSP answers', async (t) => {
    const tryLater = der.sequence(der.tlv(0x0a, Buffer.from([3])));
    // Too short for a length octet of its own: PEM says what it is.
    const text = `-----BEGIN OCSP RESPONSE-----\n${Buffer.from(tryLater).toString('base64')}\n-----END OCSP RESPONSE-----\n`;
    const { code, stdout } = await hems(['certificate', 'show', files(t).file('ocsp.pem', text)]);
    assert.equal(code, 0);
    assert.match(stdout, /^OCSP answer: tryLater$/m);
  });

  test('escapes what strangers wrote, wherever it stands', async (t) => {
    const evil = '\u001b]0;owned\u0007\u202e';
    const made = mint({
      subject: `CN=${evil}`,
      key: keyNumber(2),
      extensions: [ext.certificatePolicies(['1.2.3']), ext.subjectAltName([{ uri: 'http://x/\u001b[2J' }])],
    });
    const { stdout } = await hems(['certificate', 'show', files(t).file('evil.pem', pem(made))]);
    assert.match(stdout, /subjectAltName/);
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test('says what it cannot read, with exit code 2', async (t) => {
    const f = files(t);
    const cases: [string, RegExp][] = [
      [f.file('text', 'hello'), /holds nothing that can be shown/],
      [f.file('junk.der', Buffer.from('3082000401020304', 'hex')), /cannot be read: CERTIFICATE: certificate/],
      ['/nowhere', /cannot be read: ENOENT/],
    ];
    for (const [file, cause] of cases) {
      const { code, stderr } = await hems(['certificate', 'show', file]);
      assert.equal(code, 2);
      assert.match(stderr, cause);
    }
  });
});

describe('hems certificate profile', () => {
  test('prints every rule with its clause and level, each profile its own', async () => {
    interface Printed {
      readonly profile: string;
      readonly rules: readonly { rule: string; level: string; clause: string }[];
    }
    const [byDefault, rfc] = await Promise.all(
      [[], ['--profile', 'rfc5280']].map(async (more) =>
        json<Printed>(await hems(['certificate', 'profile', '--json', ...more])),
      ),
    );
    assert.deepEqual(
      byDefault?.rules.map(({ rule, level, clause }) => [rule, level, clause]),
      profileRules.map((rule) => [rule.name, rule.levels.hems, rule.clause]),
    );
    assert.deepEqual([byDefault?.profile, rfc?.profile], ['hems', 'rfc5280']);
    assert.notDeepEqual(byDefault?.rules, rfc?.rules);
    const { stdout } = await hems(['certificate', 'profile']);
    assert.match(stdout, /^rsa-key-size +refuse +every +TS 33\.310 6\.1\.1 +RSA keys have at least 2048 bits$/m);
  });
});
