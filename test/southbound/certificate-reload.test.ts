import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { before, describe, type TestContext, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { createEventBus, type HemsEvent } from '../../src/platform/events.ts';
import { call, type Door, eventually, type Ground, ground, inform, openDoor, post } from './door.ts';
import { type Credentials, type LeafOptions, serverLeaf } from './pki.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

const day = 86_400_000;
const from = (days: number): Date => new Date(Date.now() + days * day);

const fingerprintOf = ({ cert }: Credentials): string => new X509Certificate(cert).fingerprint256;

/** What a client is served that can do this. */
async function served(t: TestContext, door: Door, options: ConnectionOptions = {}): Promise<string> {
  const client = await call(t, door, on, options);
  const { fingerprint256 } = client.socket.getPeerCertificate();
  client.socket.destroy();
  return fingerprint256;
}

const rsaOnly: ConnectionOptions = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' };

function put(door: Door, index: number, { cert, key }: Credentials): void {
  const { chain: chainFile, key: keyFile } = door.files[index] as { chain: string; key: string };
  // As certificate tools do it: written aside, then moved over the old one.
  writeFileSync(`${chainFile}.new`, cert);
  renameSync(`${chainFile}.new`, chainFile);
  writeFileSync(keyFile, key);
}

const leaf = (options: LeafOptions = {}): Promise<Credentials> => serverLeaf(on.pki, options);
/** Levels as pino numbers them: 40 warn, 50 error. */
const warnings = (door: Door): string[] => door.log.filter(({ level }) => level === 40).map(({ msg }) => String(msg));

describe('a new server certificate', () => {
  test('is taken up by order, without dropping a connection', async (t) => {
    const door = await openDoor(t, on, { deps: { watchInterval: 3_600_000 } });
    const open = await call(t, door, on);
    open.send(post(inform()));
    await open.until(/InformResponse/);
    const next = await leaf({ notBefore: from(-30) });
    put(door, 0, next);
    assert.notEqual(await served(t, door), fingerprintOf(next));
    assert.deepEqual(await door.listener.reload(), { ok: true });
    assert.equal(await served(t, door), fingerprintOf(next));
    assert.equal(await served(t, door, rsaOnly), fingerprintOf(on.rsa), 'the other one is as before');
    open.send(post(''));
    await open.until(/HTTP\/1.1 204/);
    assert.equal(await door.metric('hems_southbound_certificate_reloads_total{listener="door",outcome="loaded"}'), 1);
  });

  test('is taken up by itself once its files have settled', async (t) => {
    const events: HemsEvent[] = [];
    const bus = createEventBus();
    bus.subscribe((event) => void events.push(event));
    const door = await openDoor(t, on, { deps: { events: bus } });
    const next = await leaf();
    put(door, 0, next);
    await eventually(async () => (await served(t, door)) === fingerprintOf(next));
    await eventually(() => events.some((event) => event.kind === 'certificate' && event.outcome === 'loaded'));
    const ends = Date.parse(new X509Certificate(next.cert).validTo) / 1000;
    const series = 'hems_southbound_certificate_not_after_seconds{listener="door",key_type="EC-P-256"}';
    assert.equal(await door.metric(series), ends);
  });

  const bad: Readonly<Record<string, [() => Promise<Credentials>, RegExp]>> = {
    'of another host': [() => leaf({ names: ['other.example'] }), /does not cover localhost/],
    'for clients': [() => leaf({ purposes: ['clientAuth'] }), /lacks serverAuth/],
    'that has expired': [() => leaf({ notBefore: from(-9), notAfter: from(-1) }), /expired at/],
    'that lies ahead': [() => leaf({ notBefore: from(1) }), /is not valid before/],
    'with 1024 bits': [() => leaf({ key: 'rsa-1024' }), /has a key of 1024 bits/],
    'signed with SHA-1': [() => leaf({ hash: 'sha1' }), /is signed with/],
    'without its chain': [() => leaf({ with: [] }), /append the issuing CA|holds the server certificate alone/],
    'with the key of another': [async () => ({ ...(await leaf()), key: on.ec.key }), /is not the key of/],
    'that is none': [async () => ({ cert: 'x', key: on.ec.key }), /no certificate chain/],
    'cut short': [async () => ({ cert: on.ec.cert.slice(0, 300), key: on.ec.key }), /no certificate chain/],
  };
  for (const [what, [make, why]] of Object.entries(bad))
    test(`${what} is refused: the old one goes on serving, with an error in the log and in the metrics`, async (t) => {
      const door = await openDoor(t, on);
      put(door, 0, await make());
      const failed = 'hems_southbound_certificate_reload_failed{listener="door"}';
      assert.equal(await door.metric(failed), 0);
      await eventually(async () => (await door.metric(failed)) === 1);
      assert.equal(await served(t, door), fingerprintOf(on.ec));
      assert.equal(await served(t, door, rsaOnly), fingerprintOf(on.rsa));
      const line = door.log.find(({ level }) => level === 50);
      assert.match(String(line?.msg), /refused, the old ones go on serving/);
      assert.match(JSON.stringify(line?.faults), why);
      assert.match(JSON.stringify(line?.faults), /"remedy":"\w/);
      const good = await leaf();
      put(door, 0, good);
      await eventually(async () => (await served(t, door)) === fingerprintOf(good));
      assert.equal(await door.metric(failed), 0);
    });

  test('one bad file of two keeps both old ones: they are taken up together or not at all', async (t) => {
    const door = await openDoor(t, on, { deps: { watchInterval: 3_600_000 } });
    put(door, 0, await leaf());
    put(door, 1, await leaf({ key: 'rsa', names: ['other.example'] }));
    const result = await door.listener.reload();
    assert.equal(result.ok, false);
    assert.equal(await served(t, door), fingerprintOf(on.ec));
    assert.equal(await served(t, door, rsaOnly), fingerprintOf(on.rsa));
  });

  test('under a load of handshakes none fails, and each is served the old one or the new one', async (t) => {
    const door = await openDoor(t, on, { deps: { watchInterval: 3_600_000 } });
    const next = await leaf();
    const known = new Set([fingerprintOf(on.ec), fingerprintOf(next)]);
    const callers = Array.from({ length: 20 }, async (_, n) => {
      if (n === 10) {
        put(door, 0, next);
        assert.equal((await door.listener.reload()).ok, true);
      }
      assert.ok(known.has(await served(t, door)));
    });
    await Promise.all(callers);
    assert.equal(await served(t, door), fingerprintOf(next));
  });
});

describe('devices without true time', () => {
  test('of several valid certificates the one with the earliest notBefore is served, until it nears its end', async (t) => {
    const old = await leaf({ notBefore: from(-300), notAfter: from(100) });
    const young = await leaf({ notBefore: from(-3), notAfter: from(700) });
    let now = new Date();
    const clock = { now: () => now };
    const door = await openDoor(t, on, { certificates: [young, old], deps: { clock } });
    assert.equal(await served(t, door), fingerprintOf(old));
    now = from(90);
    await eventually(async () => (await served(t, door)) === fingerprintOf(young));
    assert.ok(warnings(door).some((line) => /H\(e\)NBs without true time/.test(line)));
  });

  test('a reload that moves notBefore forward warns and names the risk; one that does not, does not', async (t) => {
    const door = await openDoor(t, on, { deps: { watchInterval: 3_600_000 } });
    put(door, 0, await leaf({ notBefore: from(-60) }));
    assert.equal((await door.listener.reload()).ok, true);
    assert.deepEqual(warnings(door), []);
    put(door, 0, await leaf({ notBefore: from(-1) }));
    assert.equal((await door.listener.reload()).ok, true);
    const [warning] = warnings(door);
    assert.match(
      warning ?? '',
      /EC-P-256 certificate served from now on starts at .*without true time.*earlier notBefore/,
    );
  });
});

describe('an RSA and an ECDSA certificate side by side', () => {
  test('each client gets the one it can check, ECDSA where it can check both', async (t) => {
    const door = await openDoor(t, on);
    assert.equal(await served(t, door), fingerprintOf(on.ec));
    assert.equal(await served(t, door, { maxVersion: 'TLSv1.2' }), fingerprintOf(on.ec));
    assert.equal(await served(t, door, rsaOnly), fingerprintOf(on.rsa));
    assert.equal(await served(t, door, { sigalgs: 'rsa_pss_rsae_sha256:RSA+SHA256' }), fingerprintOf(on.rsa));
    const ecOnly = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' } as const;
    assert.equal(await served(t, door, ecOnly), fingerprintOf(on.ec));
  });
});
