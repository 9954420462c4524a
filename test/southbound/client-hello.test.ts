import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { clientHello, helloPlans } from '../../src/simulator/raw-client-hello.ts';
import { type ClientHello, createHelloReader, type HelloReading } from '../../src/southbound/client-hello.ts';

function read(...chunks: readonly Buffer[]): HelloReading {
  const reader = createHelloReader();
  let reading: HelloReading = { kind: 'incomplete' };
  for (const chunk of chunks) {
    reading = reader.push(chunk);
    if (reading.kind !== 'incomplete') break;
  }
  return reading;
}

function helloOf(reading: HelloReading): ClientHello {
  if (reading.kind !== 'hello') assert.fail(reading.kind);
  return reading.hello;
}

/** The same handshake message in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.of(22, 3, 1, part.length >> 8, part.length & 0xff), part);
  }
  return Buffer.concat(records);
}

/** What a real client sends first. */
async function firstFlight(options: object): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return chunk;
}

function ssl2Hello(version: number, suites: readonly number[]): Buffer {
  const specs = Buffer.concat(suites.map((id) => Buffer.of(id >> 16, (id >> 8) & 0xff, id & 0xff)));
  const body = Buffer.concat([
    Buffer.of(1, version >> 8, version & 0xff, specs.length >> 8, specs.length & 0xff, 0, 0, 0, 16),
    specs,
    Buffer.alloc(16, 7),
  ]);
  return Buffer.concat([Buffer.of(0x80 | (body.length >> 8), body.length & 0xff), body]);
}

describe('a ClientHello', () => {
  test('of Node, TLS 1.2 and 1.3, is read with versions, suites, groups, signature algorithms and server name', async () => {
    const hello = helloOf(read(await firstFlight({ servername: 'hems.example', minVersion: 'TLSv1.2' })));
    assert.equal(hello.maxVersion, 0x0304);
    assert.deepEqual([...hello.versions].sort(), [0x0303, 0x0304]);
    assert.equal(hello.serverName, 'hems.example');
    assert.ok(hello.cipherSuites.includes(0x1301) && hello.cipherSuites.includes(0xc02b));
    assert.ok(hello.signatureAlgorithms?.includes(0x0403));
    assert.ok(hello.groups?.includes(0x0017));
  });

  test('without extensions has none, not empty ones', () => {
    const hello = helloOf(read(clientHello({ ...helloPlans['tls1.0'], extensions: false })));
    assert.equal(hello.maxVersion, 0x0301);
    assert.equal(hello.signatureAlgorithms, undefined);
    assert.equal(hello.groups, undefined);
    assert.equal(hello.serverName, undefined);
  });

  test('reads the same in every way it can be cut into segments', () => {
    const bytes = clientHello(helloPlans['aead-only']);
    const whole = helloOf(read(bytes));
    for (let at = 1; at < bytes.length; at += 1)
      assert.deepEqual(helloOf(read(bytes.subarray(0, at), bytes.subarray(at))), whole);
    assert.deepEqual(helloOf(read(...[...bytes].map((byte) => Buffer.of(byte)))), whole);
  });

  test('reads the same in records of any size, and the flight is kept as it came', () => {
    const bytes = clientHello(helloPlans['rc4-only']);
    const whole = helloOf(read(bytes));
    for (const size of [1, 2, 3, 4, 5, 7, 64]) {
      const cut = inRecords(bytes, size);
      const reader = createHelloReader();
      const [first, second] = [cut.subarray(0, 11), cut.subarray(11)];
      assert.equal(reader.push(first).kind, 'incomplete');
      assert.deepEqual(helloOf(reader.push(second)), whole);
      assert.deepEqual(reader.flight(), cut);
    }
  });

  test('in the form of SSL 2.0 is recognised, with the suites of TLS alone', () => {
    const hello = helloOf(read(ssl2Hello(0x0301, [0x010080, 0x000005, 0x00002f])));
    assert.equal(hello.format, 'ssl2');
    assert.equal(hello.maxVersion, 0x0301);
    assert.deepEqual(hello.cipherSuites, [0x0005, 0x002f]);
    assert.equal(helloOf(read(ssl2Hello(0x0002, [0x010080]))).maxVersion, 0x0002);
  });

  test('that offers a version above 1.3 in the message alone offers 1.2', () => {
    const bytes = clientHello({ ...helloPlans['aead-only'], version: 0x0305 });
    assert.equal(helloOf(read(bytes)).maxVersion, 0x0303);
  });

  test('ignores GREASE among its versions', () => {
    const bytes = clientHello({ ...helloPlans['aead-only'], supportedVersions: [0xfafa, 0x0304, 0x0303] });
    assert.deepEqual(helloOf(read(bytes)).versions, [0x0304, 0x0303]);
  });

  test('with bytes behind it, or another message in the same record, is read all the same', () => {
    const bytes = clientHello(helloPlans['aead-only']);
    assert.equal(read(Buffer.concat([bytes, Buffer.from('GET /')])).kind, 'hello');
  });

  test('that contradicts itself goes to OpenSSL for its alert', () => {
    const bytes = clientHello(helloPlans['aead-only']);
    const suitesLength = 5 + 4 + 2 + 32 + 1;
    const odd = Buffer.from(bytes);
    odd.writeUInt16BE(odd.readUInt16BE(suitesLength) - 1, suitesLength);
    assert.equal(read(odd).kind, 'malformed');
    const finished = Buffer.from(bytes);
    finished[5] = 20;
    assert.equal(read(finished).kind, 'malformed');
    assert.equal(read(Buffer.of(22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff)).kind, 'malformed');
    assert.equal(read(Buffer.of(22, 3, 1, 0, 0)).kind, 'malformed');
    assert.equal(read(Buffer.of(21, 3, 1, 0, 2, 2, 40)).kind, 'malformed');
  });

  test('is told from what is no TLS by the first bytes', () => {
    for (const text of ['GET / HTTP/1.1\r\n', 'SSH-2.0-x\r\n', '\0\0', 'PRI * HTTP/2.0', 'EHLO x'])
      assert.equal(read(Buffer.from(text)).kind, 'not_tls');
    assert.equal(read(Buffer.of(0x16)).kind, 'incomplete');
    assert.equal(read(Buffer.of(0x16), Buffer.of(0x04)).kind, 'not_tls');
  });
});

describe('any first flight', () => {
  const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));
  const mutated = fc
    .tuple(
      fc.constantFrom(...Object.values(helloPlans)),
      fc.array(fc.tuple(fc.nat(250), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
    )
    .map(([plan, changes]) => {
      const hello = clientHello(plan);
      for (const [at, value] of changes) hello[at % hello.length] = value;
      return hello;
    });

  test('never throws, and says the same in one piece as in many', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, mutated), fc.array(fc.nat(600), { maxLength: 8 }), (flight, cuts) => {
        const edges = [0, ...cuts.filter((cut) => cut < flight.length).sort((a, b) => a - b), flight.length];
        const chunks = edges.slice(1).map((end, i) => flight.subarray(edges[i], end));
        assert.deepEqual(read(...chunks), read(flight));
      }),
      { numRuns: 1500 },
    );
  });

  test('of the longest kind, byte by byte, takes linear time', () => {
    const reader = createHelloReader();
    const message = Buffer.alloc(131_000);
    message.writeUInt32BE(0x01_01_ff_00);
    const cut = inRecords(Buffer.concat([Buffer.alloc(5), message]), 1);
    const started = performance.now();
    for (const byte of cut) if (reader.push(Buffer.of(byte)).kind !== 'incomplete') break;
    assert.ok(performance.now() - started < 5000);
  });
});
