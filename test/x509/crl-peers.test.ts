import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type CertificateList, listedCertificates, parseCrl } from '../../src/x509/crl.ts';
import { crlBlocks } from '../../src/x509/crl-file.ts';
import { nameToString } from '../../src/x509/name.ts';
import { writePem } from '../../src/x509/pem.ts';
import { unless } from '../support/peers.ts';
import { ask, device, issuing, say } from './crl-judging.ts';
import { cRLNumber, type EntryOptions, hours, mintCrlDer, scope } from './crl-minting.ts';
import { now } from './minting.ts';
import { peculiar } from './second-opinion.ts';

/** CRLs that others make, read by us; and what we mint for tests, read by others. */

const folder = mkdtempSync(join(tmpdir(), 'hems-crl-peers-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function openssl(...args: readonly string[]): string {
  const run = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

const listed = (crl: CertificateList): string[] =>
  [...listedCertificates(crl)].map(({ serialNumber, reason }) => `${serialNumber} ${reason}`);

describe('CRLs of openssl ca', { skip: unless('openssl') }, () => {
  const at = (date: Date): string =>
    date
      .toISOString()
      .replace(/[-:T]|\.\d+/g, '')
      .slice(2);
  const index = [
    `R\t491231235959Z\t${at(hours(-50))},keyCompromise\t03E8\tunknown\t/CN=device`,
    `R\t491231235959Z\t${at(hours(-40))}\t00C8FFEE\tunknown\t/CN=other`,
    `R\t491231235959Z\t${at(hours(-30))},certificateHold\t03EA\tunknown\t/CN=held`,
    'V\t491231235959Z\t\t03EB\tunknown\t/CN=good',
  ];

  function generate(config: readonly string[]): CertificateList {
    writeFileSync(join(folder, 'ca.pem'), writePem(issuing.der, 'CERTIFICATE'));
    writeFileSync(join(folder, 'ca.key'), issuing.key.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    writeFileSync(join(folder, 'index.txt'), `${index.join('\n')}\n`);
    writeFileSync(join(folder, 'number'), '2A\n');
    const lines = ['[ca]', 'default_ca=own', '[own]', 'database=index.txt', 'default_md=sha256', ...config];
    writeFileSync(join(folder, 'ca.cnf'), `${lines.join('\n')}\n`);
    const times = ['-crl_lastupdate', `20${at(hours(-1))}`, '-crl_nextupdate', `20${at(hours(9))}`];
    openssl('ca', '-gencrl', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', ...times, '-out', 'crl.pem');
    const [der] = crlBlocks(readFileSync(join(folder, 'crl.pem')));
    return parseCrl(der as Uint8Array);
  }

  test('version 2 with number, key identifier and scope', () => {
    const crl = generate([
      'crlnumber=number',
      'crl_extensions=ext',
      '[ext]',
      'issuingDistributionPoint=critical,@idp',
      '[idp]',
      'onlyuser=TRUE',
    ]);
    assert.equal(crl.version, 2);
    assert.equal(crl.extensions.cRLNumber, 42n);
    assert.equal(crl.extensions.issuingDistributionPoint?.onlyContainsUserCerts, true);
    assert.deepEqual(listed(crl).sort(), ['3e8 keyCompromise', '3ea certificateHold', 'c8ffee unspecified']);
    assert.equal(say(device(), [crl]), 'revoked keyCompromise');
    assert.equal(say(device([], { serial: 0x3ea }), [crl]), 'revoked certificateHold');
    assert.deepEqual(ask(device([], { serial: 0x3eb }), [crl]).status, {
      kind: 'good',
      thisUpdate: hours(-1),
      nextUpdate: hours(9),
    });
  });

  test('the bare list of a short configuration', () => {
    const crl = generate([]);
    assert.equal(crl.extensions.cRLNumber, undefined);
    assert.equal(say(device(), [crl]), 'revoked keyCompromise');
    assert.equal(say(device([], { serial: 5 }), [crl]), 'good');
  });

  test('openssl reads what the tests mint as we do', () => {
    const entries: EntryOptions[] = [
      { serial: 1 },
      { serial: 0x80, reason: 'superseded' },
      { serial: (1n << 158n) + 1n },
    ];
    const der = mintCrlDer({ by: issuing, entries, extensions: [cRLNumber(258), scope({ user: true })] });
    writeFileSync(join(folder, 'ours.crl'), der);
    const text = openssl('crl', '-in', 'ours.crl', '-inform', 'DER', '-noout', '-text', '-fingerprint', '-sha256');
    const serials = [...text.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, hex]) => BigInt(`0x${hex}`).toString(16));
    const crl = parseCrl(der);
    assert.deepEqual(
      [...listedCertificates(crl)].map(({ serialNumber }) => serialNumber),
      serials,
    );
    assert.match(text, /Superseded/);
    const [, fingerprint = ''] = /Fingerprint=(.*)/.exec(text) ?? [];
    assert.equal(fingerprint.replaceAll(':', '').toLowerCase(), crl.fingerprint);
  });
});

describe('CRLs of @peculiar/x509', () => {
  test('with reasons, number and key identifier', async () => {
    const { privateKey } = issuing.key;
    const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
    const made = await peculiar.X509CrlGenerator.create(
      {
        issuer: 'O=Acme, CN=Issuing',
        thisUpdate: hours(-1),
        nextUpdate: hours(5),
        signingAlgorithm: algorithm,
        signingKey,
        entries: [
          { serialNumber: '03e8', revocationDate: hours(-3), reason: peculiar.X509CrlReason.superseded },
          { serialNumber: '00c8ffee', revocationDate: hours(-3) },
        ],
      },
      webcrypto as never,
    );
    const crl = parseCrl(new Uint8Array(made.rawData));
    assert.equal(nameToString(crl.issuer), 'CN=Issuing,O=Acme');
    assert.deepEqual(listed(crl), ['3e8 superseded', 'c8ffee unspecified']);
    assert.equal(say(device(), [crl]), 'revoked superseded');
    assert.equal(say(device([], { serial: 0x3e9 }), [crl], { at: now }), 'good');
  });
});
