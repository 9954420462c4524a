import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { before, describe, type TestContext, test } from 'node:test';
import { clientHello, type HelloName, helloPlans } from '../../src/simulator/raw-client-hello.ts';
import { cleanup } from '../support/cleanup.ts';
import { call, type Door, eventually, type Ground, ground, openDoor } from './door.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

/** Sends bytes and collects what comes back until the server ends the connection. */
function exchange(t: TestContext, door: Door, bytes: Buffer | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(door.port, '127.0.0.1');
    cleanup(t, () => socket.destroy());
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    if (bytes !== undefined) socket.write(bytes);
  });
}

const handshakeFailure = 40;
const protocolVersion = 70;

interface Expected {
  readonly reason: string;
  readonly detail: string;
  readonly alert: number;
  readonly offered: string;
}

const cases: Readonly<Partial<Record<HelloName, Expected>>> = {
  'rc4-only': { reason: 'rc4_only_client', detail: 'rc4_only', alert: handshakeFailure, offered: 'TLSv1.2' },
  'null-only': { reason: 'null_only_client', detail: 'null_only', alert: handshakeFailure, offered: 'TLSv1.2' },
  'tls1.3-null-only': { reason: 'null_only_client', detail: 'null_only', alert: handshakeFailure, offered: 'TLSv1.3' },
  '3des-only': { reason: 'no_shared_cipher', detail: 'no_common_suite', alert: handshakeFailure, offered: 'TLSv1.2' },
  'anonymous-only': {
    reason: 'no_shared_cipher',
    detail: 'no_common_suite',
    alert: handshakeFailure,
    offered: 'TLSv1.2',
  },
  'export-only': { reason: 'no_shared_cipher', detail: 'no_common_suite', alert: handshakeFailure, offered: 'TLSv1.2' },
  'psk-only': { reason: 'no_shared_cipher', detail: 'no_common_suite', alert: handshakeFailure, offered: 'TLSv1.2' },
  'cbc-only': { reason: 'no_shared_cipher', detail: 'no_common_suite', alert: handshakeFailure, offered: 'TLSv1.2' },
  'rc4-and-null': {
    reason: 'no_shared_cipher',
    detail: 'no_common_suite',
    alert: handshakeFailure,
    offered: 'TLSv1.2',
  },
  sslv3: { reason: 'protocol_version', detail: 'protocol_too_old', alert: protocolVersion, offered: 'SSLv3' },
  'tls1.0': { reason: 'protocol_version', detail: 'protocol_too_old', alert: protocolVersion, offered: 'TLSv1' },
  'tls1.1': { reason: 'protocol_version', detail: 'protocol_too_old', alert: protocolVersion, offered: 'TLSv1.1' },
};

describe('refused by its ClientHello', () => {
  for (const [name, expected] of Object.entries(cases))
    test(`${name}: ${expected.reason}, alert ${expected.alert}`, async (t) => {
      const door = await openDoor(t, on);
      const answer = await exchange(t, door, clientHello(helloPlans[name as HelloName]));
      assert.equal(answer[0], 21, 'an alert record');
      assert.deepEqual([...answer.subarray(3)], [0, 2, 2, expected.alert]);
      const [failure] = door.gate.failures;
      const { reason, detail, tlsVersion } = failure ?? {};
      assert.deepEqual(
        { reason, detail, tlsVersion },
        { reason: expected.reason, detail: expected.detail, tlsVersion: expected.offered },
      );
      assert.equal(door.gate.handshakes.length, 0, 'it never gets as far as the gate');
      assert.equal(await door.metric('hems_southbound_connections_total{listener="door",outcome="refused"}'), 1);
    });

  test('RC4 among others is no reason: an AEAD suite is chosen', async (t) => {
    const door = await openDoor(t, on);
    const socket = connect(door.port, '127.0.0.1');
    cleanup(t, () => socket.destroy());
    socket.write(clientHello(helloPlans['rc4-and-aead']));
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    const sessionId = 5 + 4 + 2 + 32;
    const suite = first.readUInt16BE(sessionId + 1 + (first[sessionId] ?? 0));
    assert.ok(suite === 0xc02b || suite === 0xc02f, suite.toString(16));
  });

  test('an SSL 2.0 ClientHello gets protocol_version', async (t) => {
    const door = await openDoor(t, on);
    const hello = Buffer.from('802e0100020015000000100100800700c0030080060040020080040080'.padEnd(96, '07'), 'hex');
    const answer = await exchange(t, door, hello);
    assert.deepEqual([...answer], [21, 3, 0, 0, 2, 2, protocolVersion]);
    assert.equal(door.gate.failures[0]?.detail, 'ssl_2');
  });

  test('plain HTTP is closed without a byte: no answer, no redirect', async (t) => {
    const door = await openDoor(t, on);
    const request = 'POST /cwmp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic eDp5\r\nContent-Length: 0\r\n\r\n';
    assert.equal((await exchange(t, door, Buffer.from(request))).length, 0);
    assert.equal(door.gate.failures[0]?.reason, 'not_tls');
    assert.equal(door.gate.failures[0]?.detail, 'plain_http');
    assert.equal((await exchange(t, door, Buffer.from('SSH-2.0-OpenSSH\r\n'))).length, 0);
    assert.equal(door.gate.failures[1]?.detail, 'not_tls');
  });

  test('a broken ClientHello gets the alert that OpenSSL has for it', async (t) => {
    const door = await openDoor(t, on);
    const hello = clientHello(helloPlans['aead-only']);
    hello.writeUInt16BE(3, 5 + 4 + 2 + 32 + 1);
    const answer = await exchange(t, door, hello);
    assert.equal(answer[0], 21);
    assert.equal(answer[5], 2);
    assert.equal(door.gate.failures[0]?.reason, 'handshake_other');
  });

  test('a client that says nothing is no decision; one that stops in the middle is', async (t) => {
    const door = await openDoor(t, on);
    const silent = connect(door.port, '127.0.0.1');
    silent.once('connect', () => silent.end());
    await eventually(
      async () => (await door.metric('hems_southbound_connections_total{listener="door",outcome="silent"}')) === 1,
    );
    const half = connect(door.port, '127.0.0.1');
    half.once('connect', () => half.end(clientHello(helloPlans['aead-only']).subarray(0, 20)));
    await eventually(() => door.gate.failures.length === 1);
    assert.equal(door.gate.failures[0]?.detail, 'client_gave_up');
    half.destroy();
  });

  test('only an ECDSA certificate and a client that takes RSA alone: no_shared_cipher', async (t) => {
    const door = await openDoor(t, on, { certificates: [on.ec] });
    const answer = await exchange(t, door, clientHello({ ...helloPlans['aead-only'], suites: [0xc02f] }));
    assert.deepEqual([...answer.subarray(3)], [0, 2, 2, handshakeFailure]);
    assert.equal(door.gate.failures[0]?.reason, 'no_shared_cipher');
  });
});

describe('the certificate', () => {
  const served = async (t: TestContext, door: Door, options: object): Promise<string | undefined> => {
    const client = await call(t, door, on, { maxVersion: 'TLSv1.2', ...options });
    return client.socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType;
  };

  test('is ECDSA for a client that can check it, RSA for one that cannot', async (t) => {
    const door = await openDoor(t, on);
    assert.equal(await served(t, door, {}), 'ec');
    assert.equal(await served(t, door, { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }), 'rsa');
    const rsaOnly = { sigalgs: 'rsa_pkcs1_sha256:rsa_pss_rsae_sha256', cert: on.rsa.cert, key: on.rsa.key };
    assert.equal(await served(t, door, rsaOnly), 'rsa');
    assert.equal(await served(t, door, { ...rsaOnly, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }), 'rsa');
    assert.equal(await served(t, door, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }), 'ec');
  });
});
