import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { issueDevice } from '../../src/simulator/device-certificates.ts';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { type RevocationServer, startRevocationServer } from '../../src/simulator/revocation-server.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { ocspUrlsOf } from '../../src/x509/ocsp-pointers.ts';
import { readPem } from '../../src/x509/pem.ts';
import { pem } from '../../src/simulator/certificate-minting.ts';
import { cleanup } from '../support/cleanup.ts';
import { peer, unless } from '../support/peers.ts';

interface Stage {
  readonly folder: string;
  readonly pki: DevelopmentPki;
  readonly server: RevocationServer;
  file(name: string, content: string): string;
  openssl(...args: string[]): string;
}

async function stage(t: TestContext): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'hems-revocation-'));
  cleanup(t, () => rmSync(folder, { recursive: true, force: true }));
  const pki = await createDevelopmentPki(join(folder, 'pki'), new Date());
  const server = await startRevocationServer({ pki, now: () => new Date() });
  cleanup(t, () => server.close());
  return {
    folder,
    pki,
    server,
    file: (name, content) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    openssl: (...args) =>
      execFileSync(peer('openssl') ?? '', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  };
}

/** Asks without blocking this process, which serves. */
function asking(command: readonly string[]): Promise<string> {
  return import('node:child_process').then(
    ({ execFile }) =>
      new Promise((done) => {
        execFile(peer('openssl') ?? '', [...command], (_error, stdout, stderr) => done(stdout + stderr));
      }),
  );
}

describe('the development PKI takes certificates back', { skip: unless('openssl') }, () => {
  for (const anchor of ['acme', 'zenith'] as const)
    test(`openssl ocsp believes the responder of ${anchor}, and openssl reads its CRL`, async (t) => {
      const { pki, server, file, openssl } = await stage(t);
      const name = `${anchor}-issuing`;
      const pointers = { crl: server.crlUrl(name), ocsp: server.ocspUrl(name) };
      const identity = `00a0bc000001.hnb.${anchor}.example`;
      const device = await issueDevice({ pki, anchor, identity, key: 'ec', at: new Date(), pointers });
      const [leaf, issuing] = readPem(device.chain, 'CERTIFICATE').map((der) => ({
        der,
        text: pem('CERTIFICATE', der),
      }));
      const [root] = pki.anchors.filter((one) => one.name === anchor).flatMap(({ certificates }) => certificates);
      assert.ok(leaf !== undefined && issuing !== undefined && root !== undefined);
      const certificate = parseCertificate(leaf.der);
      assert.deepEqual(ocspUrlsOf(certificate), [pointers.ocsp]);
      const [c, i] = [file('c.pem', leaf.text), file('i.pem', issuing.text)];
      const ask = ['ocsp', '-issuer', i, '-cert', c, '-CAfile', root, '-url', pointers.ocsp, '-resp_text'];
      const good = await asking(ask);
      assert.match(good, /Response verify OK[\s\S]*: good|: good[\s\S]*Response verify OK/);
      assert.doesNotMatch(good, /no nonce/);
      server.authority(name).revoke(certificate.serialNumber, new Date(), 'keyCompromise');
      assert.match(await asking(ask), /: revoked\s[\s\S]*Reason: keyCompromise/);
      const first = Buffer.from(await (await fetch(pointers.crl)).arrayBuffer());
      writeFileSync(join(i, '../a.crl'), first);
      const text = openssl('crl', '-inform', 'DER', '-in', join(i, '../a.crl'), '-noout', '-text', '-CAfile', i);
      assert.match(text, new RegExp(`Serial Number: 0*${certificate.serialNumber}`, 'i'));
      assert.match(text, /Key Compromise/);
      assert.match(text, /X509v3 CRL Number:\s+\S+/);
      server.authority(name).release(certificate.serialNumber);
      assert.match(await asking(ask), /: good/);
    });
});
