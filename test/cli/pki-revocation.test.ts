import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { listedCertificates, parseCrl } from '../../src/x509/crl.ts';
import { ocspUrlsOf } from '../../src/x509/ocsp-pointers.ts';
import { readPem } from '../../src/x509/pem.ts';
import { type Ended, hems, json, testFolder } from '../integration/command.ts';

const identity = '00a0bc000001.hnb.acme.example';

interface Stage {
  readonly device: string;
  run(...args: string[]): Promise<Ended>;
  path(name: string): string;
}

async function stage(t: TestContext): Promise<Stage> {
  const folder = testFolder(t);
  const path = (name: string): string => join(folder, name);
  const run = (...args: string[]): Promise<Ended> => hems(['pki', ...args, '--data-dir', path('data')]);
  const pointers = [
    '--crl-url',
    'http://127.0.0.1:8888/crl/acme-issuing.crl',
    '--ocsp-url',
    'http://127.0.0.1:8888/ocsp/acme-issuing',
  ];
  const { code } = await run('issue', '--anchor', 'acme', '--identity', identity, '--out', path('device'), ...pointers);
  assert.equal(code, 0);
  return { device: path('device/device.crt'), run, path };
}

describe('hems pki takes certificates back', () => {
  test('revoke, then crl: the list has it, with its reason', async (t) => {
    const { device, run, path } = await stage(t);
    const revoked = await run('revoke', '--certificate', device, '--reason', 'superseded', '--json');
    const said = json<{ authority: string; serialNumber: string }>(revoked);
    assert.equal(said.authority, 'acme-issuing');
    assert.equal((await run('crl', '--authority', 'acme-issuing', '--out', path('a.crl'))).code, 0);
    assert.equal((await run('crl', '--authority', 'acme-root', '--out', path('root.crl'))).code, 0);
    const [entry] = [...listedCertificates(parseCrl(readFileSync(path('a.crl'))))];
    assert.deepEqual([entry?.serialNumber, entry?.reason], [said.serialNumber, 'superseded']);
    assert.equal(parseCrl(readFileSync(path('root.crl'))).entries.table.count, 0);
  });

  test('a device says where to ask about it', async (t) => {
    const { device } = await stage(t);
    const [leaf = new Uint8Array()] = readPem(readFileSync(device, 'utf8'), 'CERTIFICATE');
    const certificate = parseCertificate(leaf);
    assert.deepEqual(ocspUrlsOf(certificate), ['http://127.0.0.1:8888/ocsp/acme-issuing']);
    assert.equal(certificate.extensions.cRLDistributionPoints?.length, 1);
  });

  test('a certificate of somebody else is refused', async (t) => {
    const one = await stage(t);
    const other = await stage(t);
    const ended = await other.run('revoke', '--certificate', one.device);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /was not issued by this development PKI/);
  });
});
