import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { createDevelopmentPki } from '../../src/simulator/development-pki.ts';
import { sendHello, sendPlainHttp, sendRaw } from '../../src/simulator/raw-client.ts';
import { clientHello, type HelloName, helloPlans } from '../../src/simulator/raw-client-hello.ts';

interface Read {
  readonly recordVersion: number;
  readonly version: number;
  readonly suites: string[];
  readonly compression: number[];
  readonly extensions: Map<number, Buffer>;
}

/** Reads a ClientHello strictly: every length must fit exactly (RFC 5246 7.4.1.2). */
function readHello(bytes: Buffer): Read {
  let at = 0;
  const take = (size: number): Buffer => {
    assert.ok(at + size <= bytes.length, 'a length runs over the end');
    at += size;
    return bytes.subarray(at - size, at);
  };
  const number = (size: number): number => take(size).readUIntBE(0, size);
  assert.equal(number(1), 22);
  const recordVersion = number(2);
  assert.equal(number(2), bytes.length - 5);
  assert.equal(number(1), 1);
  assert.equal(number(3), bytes.length - 9);
  const version = number(2);
  take(32);
  take(number(1));
  const suites = take(number(2)).toString('hex').match(/.{4}/g) ?? [];
  const compression = [...take(number(1))];
  const extensions = new Map<number, Buffer>();
  if (at < bytes.length) assert.equal(number(2), bytes.length - at);
  while (at < bytes.length) {
    const type = number(2);
    extensions.set(type, take(number(2)));
  }
  return { recordVersion, version, suites, compression, extensions };
}

describe('hand-made ClientHellos', () => {
  for (const name of Object.keys(helloPlans) as HelloName[])
    test(`${name} is well-formed`, () => {
      const hello = readHello(clientHello(helloPlans[name]));
      assert.equal(hello.version, helloPlans[name].version);
      assert.deepEqual(
        hello.suites.map((suite) => Number.parseInt(suite, 16)),
        [...helloPlans[name].suites],
      );
      assert.deepEqual(hello.compression, [0]);
      if (name === 'sslv3') assert.equal(hello.extensions.size, 0);
      else assert.equal(hello.extensions.get(0)?.subarray(5).toString(), 'localhost');
    });

  test('the RC4-only client offers the four RC4 suites of today and nothing else', () => {
    assert.deepEqual(readHello(clientHello(helloPlans['rc4-only'])).suites, ['c011', 'c007', '0005', '0004']);
  });

  test('the SSLv3 client says SSLv3 in record and hello', () => {
    const { recordVersion, version } = readHello(clientHello(helloPlans.sslv3));
    assert.deepEqual([recordVersion, version], [0x0300, 0x0300]);
  });

  test('only the TLS 1.3 client has supported_versions', () => {
    const with43 = Object.entries(helloPlans).filter(([, plan]) => readHello(clientHello(plan)).extensions.has(43));
    assert.deepEqual(
      with43.map(([name]) => name),
      ['tls1.3-null-only'],
    );
  });
});

describe('against a TLS server of today', () => {
  const root = mkdtempSync(join(tmpdir(), 'hems-raw-'));
  const open = new Set<Socket>();
  let server: Server;
  let url: string;
  before(async () => {
    const pki = await createDevelopmentPki(join(root, 'pki'), new Date());
    server = createTlsServer({
      cert: readFileSync(pki.server.ec.chain),
      key: readFileSync(pki.server.ec.key),
      ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256',
      minVersion: 'TLSv1.2',
    });
    server.on('tlsClientError', () => undefined);
    server.on('connection', (socket: Socket) => open.add(socket.on('close', () => open.delete(socket))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/cwmp`;
  });
  after(async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of open) socket.destroy();
    await closed;
    rmSync(root, { recursive: true, force: true });
  });

  const hopeless: Partial<Record<HelloName, number>> = {
    'rc4-only': 40,
    'null-only': 40,
    '3des-only': 40,
    'anonymous-only': 40,
    'export-only': 40,
    'psk-only': 40,
    'cbc-only': 40,
    'rc4-and-null': 40,
    'tls1.3-null-only': 40,
    'tls1.0': 70,
    'tls1.1': 70,
    // SSLv3 does not know alert 70.
    sslv3: 40,
  };
  for (const [name, alert] of Object.entries(hopeless) as [HelloName, number][])
    test(`${name} is answered with alert ${alert}`, async () => {
      const report = await sendHello(url, name);
      assert.deepEqual(report.alert, { level: 2, description: alert });
      assert.deepEqual([report.serverHello, report.closedBy], [undefined, 'acs']);
      assert.ok((report.localPort ?? 0) > 0);
    });

  test('a client that offers RC4 beside AEAD gets AEAD', async () => {
    assert.deepEqual((await sendHello(url, 'rc4-and-aead')).serverHello, { version: 0x0303, suite: 0xc02b });
  });

  test('plain HTTP gets no HTTP back', async () => {
    const report = await sendPlainHttp(url);
    assert.deepEqual([report.plainHttp, report.closedBy], [undefined, 'acs']);
  });
});

describe('raw bytes', () => {
  const listening = async (onSocket: (socket: Socket) => void): Promise<{ url: string; server: Server }> => {
    const server = createServer(onSocket);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/` };
  };

  test('an answer in plain HTTP is noticed', async () => {
    const { url, server } = await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    assert.equal((await sendPlainHttp(url)).plainHttp, 'HTTP/1.1 400 Bad Request');
    server.close();
  });

  test('a server that says nothing is left after the time-out', async () => {
    const { url, server } = await listening((socket) => socket.on('error', () => undefined).resume());
    const report = await sendRaw(url, Buffer.of(0), 200);
    assert.deepEqual([report.closedBy, report.bytesReceived], ['device', 0]);
    assert.ok(report.durationMs < 2000);
    server.close();
  });

  test('nobody there is said so', async () => {
    const { url, server } = await listening(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const report = await sendHello(url, 'rc4-only');
    assert.deepEqual([report.closedBy, report.localPort], ['nobody', undefined]);
    assert.match(report.error ?? '', /ECONNREFUSED/);
  });
});
