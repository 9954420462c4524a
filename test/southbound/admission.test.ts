import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, type Door, eventually, type Ground, ground, inform, openDoor, post } from './door.ts';
import { createPki } from './pki.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const only = (version: (typeof versions)[number]) => ({ minVersion: version, maxVersion: version });

const answered = async (door: Door): Promise<number> => {
  const text = await door.metrics.metrics();
  return [...text.matchAll(/^hems_southbound_requests_total\{.*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
};

describe('an admitted device', () => {
  for (const version of versions)
    test(`${version}: completes a session, and its connection is released when it ends`, async (t) => {
      const door = await openDoor(t, on);
      const client = await call(t, door, on, only(version));
      client.send(post(inform()));
      const pattern =
        /HTTP\/1.1 200 OK[\s\S]*set-cookie: (hems=[\w-]{32}); Path=\/; Secure; HttpOnly[\s\S]*InformResponse[\s\S]*Envelope>/i;
      const [, cookie] = await client.until(pattern);
      client.send(post('', { Cookie: cookie ?? '' }));
      await client.until(/HTTP\/1.1 204/);
      assert.equal(door.informs.length, 1);
      assert.equal(door.informs[0]?.cwmpVersion, '1.0');
      const [handshake] = door.gate.handshakes;
      assert.equal(handshake?.tlsVersion, version);
      assert.match(handshake?.cipherSuite ?? '', /^TLS_(ECDHE_ECDSA_WITH_)?AES_128_GCM_SHA256$/);
      assert.equal(handshake?.chain.length, 2);
      assert.equal(handshake?.secondLock, undefined);
      assert.equal(handshake?.serverName, 'localhost');
      assert.equal(handshake?.resumed, false);
      client.socket.end();
      await eventually(() => door.gate.released_.length === 1);
      const lines = door.log.filter(({ msg }) => msg === 'session');
      assert.equal(lines.length, 1);
      assert.equal(lines[0]?.admission, 'admission-0');
      assert.equal(lines[0]?.outcome, 'completed');
    });

  for (const version of versions)
    test(`${version}: what it sends before the verdict waits, unread, and is answered after it`, async (t) => {
      const door = await openDoor(t, on);
      const verdict = Promise.withResolvers<void>();
      door.gate.pause = verdict.promise;
      const client = await call(t, door, on, only(version));
      client.send(post(inform()));
      client.send(post(''));
      await eventually(() => door.gate.handshakes.length === 1);
      await sleep(100);
      assert.equal(door.informs.length, 0);
      assert.equal(client.text(), '');
      verdict.resolve();
      await client.until(/InformResponse[\s\S]*HTTP\/1.1 204/);
      assert.equal(door.informs.length, 1);
    });

  test('that leaves while it is judged is released, and its socket closed', async (t) => {
    const door = await openDoor(t, on);
    const verdict = Promise.withResolvers<void>();
    door.gate.pause = verdict.promise;
    const client = await call(t, door, on);
    await eventually(() => door.gate.handshakes.length === 1);
    client.socket.destroy();
    await sleep(50);
    verdict.resolve();
    await eventually(() => door.gate.released_.length === 1);
    await eventually(async () => (await door.metric('hems_southbound_connections{listener="door"}')) === 0);
    assert.equal(door.informs.length, 0);
  });
});

describe('a refused client', () => {
  for (const version of versions)
    test(`${version}: is closed cleanly, and not one byte of its HTTP is parsed`, async (t) => {
      const door = await openDoor(t, on);
      door.gate.blocked.add('00a0bc000001.hnb.acme.example');
      const client = await call(t, door, on, only(version));
      client.send(post(inform()));
      client.send('GET / HTTP/1.1\r\n\r\nno HTTP at all\r\n');
      await client.ended;
      assert.equal(client.text(), '');
      assert.equal(client.socket.errored, null, 'an end, not a reset');
      assert.equal(door.informs.length, 0);
      assert.equal(await answered(door), 0);
      assert.equal(door.gate.handshakes.length, 1);
    });

  for (const version of versions)
    test(`${version}: without a certificate comes as far as the gate, which knows why it refuses`, async (t) => {
      const door = await openDoor(t, on);
      const client = await call(t, door, { ...on, device: { cert: '', key: '' } }, only(version));
      client.send(post(inform(), { Authorization: 'Basic dXNlcjpwYXNz' }));
      await client.ended;
      assert.deepEqual(door.gate.handshakes[0]?.chain, []);
      assert.equal(await answered(door), 0);
      assert.equal(door.gate.sessionRefusals.length, 0, 'the header was never read');
    });

  test('with a certificate of another CA carries OpenSSL’s objection with it', async (t) => {
    const door = await openDoor(t, on);
    const stranger = await (await createPki('stranger')).leaf('00a0bc000001.hnb.acme.example');
    const client = await call(t, door, { ...on, device: stranger });
    await client.ended;
    const [handshake] = door.gate.handshakes;
    assert.equal(handshake?.chain.length, 2);
    assert.match(handshake?.secondLock ?? '', /^UNABLE_TO_/);
  });

  for (const [what, options, objection] of [
    ['a key of 1024 bits', { key: 'rsa-1024' }, 'UNSPECIFIED'],
    ['a SHA-1 signature', { key: 'rsa', hash: 'sha1' }, 'UNSPECIFIED'],
    ['a certificate that has expired', { notAfter: new Date(Date.now() - 1000) }, 'CERT_HAS_EXPIRED'],
    ['a purpose of another kind', { purposes: ['serverAuth'] }, 'INVALID_PURPOSE'],
  ] as const)
    for (const version of versions)
      test(`${version}: with ${what} finishes its handshake, so that the gate can name it`, async (t) => {
        const door = await openDoor(t, on);
        const device = await on.pki.leaf('odd', options);
        const ciphers = 'DEFAULT:@SECLEVEL=0';
        const client = await call(t, door, { ...on, device }, { ...only(version), ciphers });
        await eventually(() => door.gate.handshakes.length === 1);
        assert.equal(door.gate.handshakes[0]?.chain.length, 2);
        assert.equal(door.gate.handshakes[0]?.secondLock, objection);
        client.socket.destroy();
      });

  test('whose judge throws is refused: closed, logged, nothing served', async (t) => {
    const door = await openDoor(t, on);
    door.gate.pause = Promise.reject(new Error('a defect'));
    door.gate.pause.catch(() => {});
    const client = await call(t, door, on);
    client.send(post(inform()));
    await client.ended;
    assert.equal(client.text(), '');
    assert.ok(door.log.some(({ msg }) => msg === 'a connection could not be judged'));
    door.gate.pause = Promise.resolve();
    const next = await call(t, door, on);
    next.send(post(inform()));
    await next.until(/InformResponse/);
  });
});

describe('a connection whose admission no longer stands', () => {
  test('is closed, the others stay', async (t) => {
    const door = await openDoor(t, on);
    const other = { ...on, device: await on.pki.leaf('00a0bc000002.hnb.acme.example') };
    const [one, two] = [await call(t, door, on), await call(t, door, other)];
    for (const client of [one, two]) client.send(post(inform()));
    for (const client of [one, two]) await client.until(/InformResponse/);
    assert.equal(
      door.listener.closeWhere(({ deviceId }) => deviceId.startsWith('00a0bc000001')),
      1,
    );
    await one.ended;
    two.send(post(''));
    await two.until(/HTTP\/1.1 204/);
  });
});
