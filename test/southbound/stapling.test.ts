import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { before, describe, type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { Registry } from 'prom-client';
import { systemClock } from '../../src/platform/clock.ts';
import { createEgress } from '../../src/platform/egress/egress.ts';
import { type Extension, ocspPointer } from '../../src/simulator/certificate-minting.ts';
import { type KeyPair, newKeyPair } from '../../src/simulator/key-pairs.ts';
import { type RevocationServer, startRevocationServer } from '../../src/simulator/revocation-server.ts';
import { wantsStaples } from '../../src/southbound/staples.ts';
import { createOcspClient } from '../../src/trust/ocsp-client.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { defaultOcspRules, judgeOcspResponse } from '../../src/x509/ocsp-judgement.ts';
import { parseOcspResponse } from '../../src/x509/ocsp-response.ts';
import { readPem } from '../../src/x509/pem.ts';
import { cleanup } from '../support/cleanup.ts';
import { peer, unless } from '../support/peers.ts';
import { type Door, type DoorOptions, eventually, type Ground, ground, openDoor } from './door.ts';
import { type Credentials, serverLeaf } from './pki.ts';

let on: Ground;
let pairs: { readonly ec: KeyPair; readonly rsa: KeyPair };
before(async () => {
  on = await ground();
  pairs = { ec: await newKeyPair('ec'), rsa: await newKeyPair('rsa') };
});

/** id-pe-tlsfeature with status_request. */
const mustStaple: Extension = {
  oid: '1.3.6.1.5.5.7.1.24',
  critical: false,
  value: Uint8Array.of(0x30, 3, 2, 1, 5),
};

interface Stage {
  readonly responder: RevocationServer;
  readonly ec: Credentials;
  readonly rsa: Credentials;
  open(options?: DoorOptions): Promise<Door>;
}

async function stage(t: TestContext, extensions: readonly Extension[] = []): Promise<Stage> {
  const [certificate = new Uint8Array()] = readPem(on.pki.intermediate.pem, 'CERTIFICATE');
  const authority = { name: 'issuing', issuer: on.pki.intermediate, certificate: Buffer.from(certificate) };
  const responder = await startRevocationServer({ pki: { authorities: [authority] }, now: () => new Date() });
  cleanup(t, () => responder.close());
  const metrics = new Registry();
  const egress = createEgress({ clock: systemClock, metrics });
  cleanup(t, () => egress.close());
  const breaker = { threshold: 100, pause: 1, longest: 1 };
  const ocsp = createOcspClient({ egress, clock: systemClock, metrics, breaker });
  const all = [ocspPointer(responder.ocspUrl('issuing')), ...extensions];
  const [ec, rsa] = await Promise.all([
    serverLeaf(on.pki, { extensions: all, pair: pairs.ec }),
    serverLeaf(on.pki, { extensions: all, pair: pairs.rsa }),
  ]);
  const staplePace = { least: 20, most: 100, retry: 20 };
  return {
    responder,
    ec,
    rsa,
    open: ({ deps, ...options } = {}) =>
      openDoor(t, on, { certificates: [ec, rsa], ...options, deps: { ocsp, staplePace, ...deps } }),
  };
}

const both = ['TLSv1.2', 'TLSv1.3'] as const;
const suites = { ec: 'ECDHE-ECDSA-AES128-GCM-SHA256', rsa: 'ECDHE-RSA-AES128-GCM-SHA256' };
const signatures = { ec: 'ecdsa_secp256r1_sha256', rsa: 'rsa_pss_rsae_sha256' };

/** What a Node client is handed: undefined if nothing was stapled. */
async function stapled(
  door: Door,
  version: (typeof both)[number],
  key: 'ec' | 'rsa',
): Promise<{ staple: Buffer | undefined; served: X509Certificate | undefined }> {
  const socket = connect({
    ...{ host: '127.0.0.1', port: door.port, servername: 'localhost', ca: on.pki.root.pem, ...on.device },
    ...{ minVersion: version, maxVersion: version, requestOCSP: true, sigalgs: signatures[key] },
    ...(version === 'TLSv1.2' ? { ciphers: suites[key] } : {}),
  });
  socket.on('error', () => {});
  let staple: Buffer | undefined;
  socket.once('OCSPResponse', (response: Buffer | undefined) => {
    staple = response === null || response?.length === 0 ? undefined : response;
  });
  await once(socket, 'secureConnect', { signal: AbortSignal.timeout(30_000) });
  const served = socket.getPeerX509Certificate();
  socket.destroy();
  return { staple, served };
}

/** The machine may be busy. */
const soon = (condition: () => boolean | Promise<boolean>): Promise<void> => eventually(condition, 30_000);

const has = (door: Door, key: 'EC-P-256' | 'RSA') => async (): Promise<boolean> =>
  (await door.metric(`hems_southbound_staple_not_after_seconds{listener="door",key_type="${key}"}`)) > 0;

async function ready(door: Door): Promise<void> {
  await soon(has(door, 'EC-P-256'));
  await soon(has(door, 'RSA'));
}

function statusOf(staple: Buffer | undefined, served: X509Certificate | undefined): string {
  if (staple === undefined || served === undefined) return 'none';
  const [issuer = new Uint8Array()] = readPem(on.pki.intermediate.pem, 'CERTIFICATE');
  const subject = { certificate: parseCertificate(served.raw), issuer: parseCertificate(issuer) };
  const { status } = judgeOcspResponse(staple, subject, defaultOcspRules, new Date());
  return status.kind === 'unknown' ? status.cause : status.kind;
}

describe('the own certificates carry an OCSP answer', () => {
  for (const version of both)
    for (const key of ['ec', 'rsa'] as const)
      test(`${version}, ${key}: of the certificate that is served`, async (t) => {
        const { open } = await stage(t);
        const door = await open();
        await ready(door);
        const { staple, served } = await stapled(door, version, key);
        assert.equal(served?.publicKey.asymmetricKeyType, key);
        assert.equal(statusOf(staple, served), 'good');
      });

  for (const version of ['tls1_2', 'tls1_3'] as const)
    for (const key of ['ec', 'rsa'] as const)
      test(`openssl s_client -status sees it: ${version}, ${key}`, { skip: unless('openssl') }, async (t) => {
        const world = await stage(t);
        const door = await world.open();
        await ready(door);
        const args = ['-connect', `127.0.0.1:${door.port}`, '-status', `-${version}`, '-sigalgs', signatures[key]];
        const suite = version === 'tls1_2' ? ['-cipher', suites[key]] : [];
        const output = await new Promise<string>((done) => {
          const child = execFile(peer('openssl') ?? '', ['s_client', ...args, ...suite], (_error, stdout) =>
            done(stdout),
          );
          child.stdin?.end();
        });
        assert.match(output, /OCSP Response Status: successful/);
        assert.match(output, /Cert Status: good/);
        const { serialNumber } = new X509Certificate(world[key].cert);
        assert.match(output, new RegExp(`Serial Number: 0*${serialNumber.replace(/^0+/, '')}`, 'i'));
      });

  test('nothing is sent to a client that did not ask, and a connection is the same without', async (t) => {
    const { open } = await stage(t);
    const door = await open();
    await ready(door);
    const socket = connect({
      host: '127.0.0.1',
      port: door.port,
      servername: 'localhost',
      ca: on.pki.root.pem,
      ...on.device,
    });
    cleanup(t, () => socket.destroy());
    let asked = false;
    socket.once('OCSPResponse', () => {
      asked = true;
    });
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(30_000) });
    assert.equal(asked, false);
  });
});

describe('a responder that is not there', () => {
  test('delays no handshake: it goes on without a staple', async (t) => {
    const { responder, open } = await stage(t);
    responder.misbehave('slow');
    const door = await open();
    await soon(() => responder.requests.length > 0);
    for (const version of both) assert.equal((await stapled(door, version, 'ec')).staple, undefined);
    responder.misbehave(undefined);
  });

  test('is asked again, and the staple comes when it is back', async (t) => {
    const { responder, open } = await stage(t);
    responder.misbehave('server-error');
    const door = await open();
    await soon(
      async () => (await door.metric('hems_southbound_staple_refreshes_total{listener="door",outcome="failed"}')) > 2,
    );
    assert.equal(
      statusOf(...(Object.values(await stapled(door, 'TLSv1.3', 'ec')) as [Buffer, X509Certificate])),
      'none',
    );
    responder.misbehave(undefined);
    await ready(door);
    const { staple, served } = await stapled(door, 'TLSv1.3', 'ec');
    assert.equal(statusOf(staple, served), 'good');
  });

  test('a staple that is at hand goes on until its end, and is refreshed before', async (t) => {
    const { responder, open } = await stage(t);
    const door = await open();
    await ready(door);
    const asked = responder.requests.length;
    await soon(() => responder.requests.length > asked + 3);
    responder.misbehave('down');
    const { staple, served } = await stapled(door, 'TLSv1.2', 'rsa');
    assert.equal(statusOf(staple, served), 'good');
  });

  test('a forged or stale answer, and "unknown", are stapled to nobody', async (t) => {
    const { responder, open } = await stage(t);
    for (const how of ['forged', 'stale', 'unknown', 'try-later'] as const) {
      responder.misbehave(how);
      const door = await open();
      await soon(
        async () => (await door.metric('hems_southbound_staple_refreshes_total{listener="door",outcome="failed"}')) > 1,
      );
      assert.equal((await stapled(door, 'TLSv1.3', 'ec')).staple, undefined, how);
      await door.listener.close();
    }
  });
});

describe('the operator is told', () => {
  const errors = (door: Door): unknown[] => door.log.filter(({ level }) => level === 50).map(({ msg }) => msg);

  test('when a certificate that demands a staple has none', async (t) => {
    const { responder, open } = await stage(t, [mustStaple]);
    responder.misbehave('server-error');
    const door = await open();
    await soon(() => errors(door).some((msg) => /demands a staple \(RFC 7633\), and there is none/.test(String(msg))));
    assert.equal(await door.metric('hems_southbound_certificate_must_staple{listener="door",key_type="RSA"}'), 1);
  });

  test('when it demands one and stapling is off, or there is nobody to ask', async (t) => {
    const { open } = await stage(t, [mustStaple]);
    const stapling = { enabled: false, timeout: 10_000 };
    const off = await open({ listener: { stapling } });
    assert.ok(errors(off).some((msg) => /but stapling is off for this listener/.test(String(msg))));
    const bare = await serverLeaf(on.pki, { extensions: [mustStaple] });
    const nobody = await open({ certificates: [bare] });
    assert.ok(errors(nobody).some((msg) => /names no responder/.test(String(msg))));
  });

  test('when the own certificate is revoked, which is then not stapled', async (t) => {
    const { responder, ec, open } = await stage(t);
    const door = await open();
    await ready(door);
    const [leaf = new Uint8Array()] = readPem(ec.cert, 'CERTIFICATE');
    responder.authority('issuing').revoke(parseCertificate(leaf).serialNumber, new Date());
    await soon(() => errors(door).includes('our own certificate is revoked'));
    assert.equal((await stapled(door, 'TLSv1.3', 'ec')).staple, undefined);
    assert.notEqual((await stapled(door, 'TLSv1.3', 'rsa')).staple, undefined, 'the other one is not concerned');
  });
});

describe('which door staples', () => {
  test('not the one for initial contact, where cells may have no true time, unless it is told to', async (t) => {
    const { responder, open } = await stage(t);
    const initial = await open({ listener: { role: 'initial' } });
    assert.equal((await stapled(initial, 'TLSv1.3', 'ec')).staple, undefined);
    assert.equal(responder.requests.length, 0);
    const told = await open({ listener: { role: 'initial', stapling: { enabled: true, timeout: 10_000 } } });
    await ready(told);
    assert.notEqual((await stapled(told, 'TLSv1.3', 'ec')).staple, undefined);
    const config = { role: 'serving', stapling: { timeout: 1 } } as Parameters<typeof wantsStaples>[0];
    assert.equal(wantsStaples(config), true);
  });

  test('a configured responder is asked instead of the one in the certificate', async (t) => {
    const { responder, open } = await stage(t);
    const bare = await serverLeaf(on.pki);
    const door = await open({
      certificates: [bare],
      listener: { stapling: { responder: `${responder.ocspUrl('issuing')}/`, timeout: 10_000 } },
    });
    await soon(has(door, 'EC-P-256'));
    const { staple } = await stapled(door, 'TLSv1.2', 'ec');
    assert.ok(staple !== undefined && parseOcspResponse(staple).status === 'successful');
  });
});
