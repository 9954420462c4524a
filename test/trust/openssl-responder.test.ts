import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { pem } from '../../src/simulator/certificate-minting.ts';
import { findAuthority } from '../../src/simulator/development-authorities.ts';
import { privateKeyPem } from '../../src/simulator/key-pairs.ts';
import { cleanup } from '../support/cleanup.ts';
import { peer, unless } from '../support/peers.ts';
import { developmentAuthorities, ocspWorld, type OcspWorld, start } from './ocsp-world.ts';

/** The port that it took, once it waits; one that asks too early is not served but hung up on. */
function waiting(child: ChildProcess): Promise<number> {
  let said = '';
  return new Promise((resolve, reject) => {
    const hear = (part: Buffer): void => {
      said += part.toString();
      const port = /ACCEPT \S*:(\d+) /.exec(said)?.[1];
      if (port !== undefined && /waiting/.test(said)) resolve(Number(port));
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => reject(new Error(`openssl ocsp ended: ${said}`)));
  });
}

/** OpenSSL's own responder for the development PKI, signed by the CA itself; what its index says of the device. */
async function opensslResponder(t: TestContext, world: OcspWorld, line: string, ...more: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'hems-ocsp-'));
  cleanup(t, () => rmSync(folder, { recursive: true, force: true }));
  const issuing = findAuthority(await developmentAuthorities(), 'acme-issuing');
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const serial = world.certificate.serialNumber.toUpperCase();
  const index = file('index.txt', `${line}\t${serial.length % 2 === 0 ? serial : `0${serial}`}\tunknown\t/CN=device\n`);
  const ca = file('ca.pem', pem('CERTIFICATE', issuing.certificate));
  const key = file('ca.key', privateKeyPem(issuing.issuer));
  const args = ['ocsp', '-index', index, '-CA', ca, '-rsigner', ca, '-rkey', key, '-port', '0', '-nmin', '60', ...more];
  const child: ChildProcess = spawn(peer('openssl') ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  cleanup(t, () => child.kill('SIGKILL'));
  return `http://127.0.0.1:${await waiting(child)}/`;
}

describe('openssl ocsp as the responder', { skip: unless('openssl') }, () => {
  const cases = [
    ['good', 'V\t491231235959Z\t', []],
    ['revoked', 'R\t491231235959Z\t260101000000Z,superseded', []],
    ['good', 'V\t491231235959Z\t', ['-resp_no_certs']],
    ['good', 'V\t491231235959Z\t', ['-resp_key_id', '-resp_no_certs']],
  ] as const;
  for (const [expected, line, flags] of cases)
    test(`${expected}${flags.length === 0 ? '' : ` with ${flags.join(' ')}`}, by POST with a nonce and by GET without`, async (t) => {
      const world = await ocspWorld(t);
      const url = await opensslResponder(t, world, line, ...flags);
      const egress = { privateHosts: [new URL(url).host] };
      world.clock.set(new Date());
      for (const how of [
        { method: 'POST', nonce: 'require' },
        { method: 'GET', nonce: 'off' },
      ] as const) {
        const { status, attempts } = await world.ask([world.responder({ url, egress, ...how })]);
        assert.equal(status.kind, expected, JSON.stringify(attempts));
        if (status.kind === 'revoked') assert.equal(status.reason, 'superseded');
      }
    });

  test('a certificate that is not in its index is unknown, never good', async (t) => {
    const world = await ocspWorld(t);
    const url = await opensslResponder(t, world, 'V\t491231235959Z\t\tFF\tunknown\t/CN=other\nV\t491231235959Z\t');
    const other = { ...world.certificate, serialNumber: '1234' };
    world.clock.set(new Date());
    const responder = world.responder({ url, egress: { privateHosts: [new URL(url).host] } });
    const { status } = await world.ask([responder], { certificate: other });
    assert.ok(status.kind === 'unknown' && status.cause === 'responder-unknown', JSON.stringify(status));
    assert.ok(start < new Date());
  });
});
