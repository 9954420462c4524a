import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { before, describe, type TestContext, test } from 'node:test';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { clientHello, helloPlans } from '../../src/simulator/raw-client-hello.ts';
import { cleanup } from '../support/cleanup.ts';
import { call, type Client, type Door, eventually, type Ground, ground, inform, openDoor, post } from './door.ts';

let on: Ground;
before(async () => {
  on = await ground();
});

async function plainly(t: TestContext, { port }: Door, bytes: string | Buffer = ''): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  cleanup(t, () => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (bytes.length > 0) socket.write(bytes);
  return socket;
}

const refusals = ({ gate }: Door): string[] => gate.failures.map(({ reason, detail }) => `${reason}/${detail}`);

describe('handshakes in flight', () => {
  test('beyond the limit wait for a place, and are refused when their time is up', async (t) => {
    const door = await openDoor(t, on, { limits: { handshakesInFlight: 1, handshakeTime: '400ms' } });
    const verdict = Promise.withResolvers<void>();
    door.gate.pause = verdict.promise;
    await call(t, door, on);
    await eventually(() => door.gate.handshakes.length === 1);
    const second = await plainly(t, door, clientHello(helloPlans['aead-only']));
    await once(second, 'close');
    await eventually(() => refusals(door).includes('rate_limited/too_many_handshakes'));
    assert.equal(door.gate.handshakes.length, 1);
    verdict.resolve();
    door.gate.pause = Promise.resolve();
    const next = await call(t, door, on);
    next.send(post(inform()));
    await next.until(/InformResponse/);
  });

  test('of one address are bounded too, and a device from there gets its turn', async (t) => {
    const door = await openDoor(t, on, { limits: { handshakesInFlightPerAddress: 2 } });
    const verdict = Promise.withResolvers<void>();
    door.gate.pause = verdict.promise;
    const callers = Array.from({ length: 6 }, () => call(t, door, on).catch(() => undefined));
    await eventually(() => door.gate.handshakes.length === 2);
    assert.equal(await door.metric('hems_southbound_handshakes_in_flight{listener="door"}'), 2);
    verdict.resolve();
    assert.equal((await Promise.all(callers)).filter((client) => client !== undefined).length, 6);
    await eventually(() => door.gate.admissions.length === 6);
  });

  test('that stay silent give way to newcomers when there are too many connections', async (t) => {
    const door = await openDoor(t, on, { limits: { connections: 3 } });
    const silent: Socket[] = [];
    for (let n = 0; n < 3; n += 1) silent.push(await plainly(t, door));
    await eventually(async () => (await door.metric('hems_southbound_connections{listener="door"}')) === 3);
    const device = await call(t, door, on);
    device.send(post(inform()));
    await device.until(/InformResponse/);
    await eventually(() => refusals(door).includes('rate_limited/too_many_connections'));
    assert.equal(silent.filter((socket) => socket.destroyed || socket.readableEnded).length, 1);
  });

  test('that never say anything, or stop in the middle, end in their time', async (t) => {
    const door = await openDoor(t, on, { limits: { handshakeTime: '300ms' } });
    const hello = clientHello(helloPlans['aead-only']);
    const sockets = await Promise.all(['', hello.subarray(0, 20), hello].map((bytes) => plainly(t, door, bytes)));
    await Promise.all(sockets.map((socket) => once(socket.resume(), 'close')));
    await eventually(() => door.gate.failures.length === 3);
    assert.deepEqual(refusals(door).sort(), [
      'handshake_timeout/handshake_incomplete',
      'handshake_timeout/no_client_hello',
      'handshake_timeout/no_client_hello',
    ]);
  });

  test('an address that fails too often is turned away unread, unless devices came from there', async (t) => {
    const door = await openDoor(t, on, { limits: { failuresPerAddress: 3 } });
    const fail = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n += 1)
        await once((await plainly(t, door, 'GET / HTTP/1.1\r\n\r\n')).resume(), 'close');
    };
    const device = await call(t, door, on);
    await eventually(() => door.gate.admissions.length === 1);
    device.socket.destroy();
    await fail(10);
    assert.equal(refusals(door).filter((one) => one === 'not_tls/plain_http').length, 10);
    await call(t, door, on);
    await eventually(() => door.gate.admissions.length === 2);
    const other = await openDoor(t, on, { limits: { failuresPerAddress: 3 } });
    for (let n = 0; n < 5; n += 1) await once((await plainly(t, other, 'GET / HTTP/1.1\r\n\r\n')).resume(), 'close');
    assert.deepEqual(refusals(other).slice(3), ['rate_limited/too_many_failures', 'rate_limited/too_many_failures']);
  });
});

describe('the HTTP of an admitted device', () => {
  async function device(t: TestContext, limits: Readonly<Record<string, string | number>>): Promise<[Client, Door]> {
    const door = await openDoor(t, on, { limits });
    return [await call(t, door, on), door];
  }

  test('headers beyond their size are refused with 431', async (t) => {
    const [client] = await device(t, { headerBytes: 2048 });
    client.send(post(inform(), { 'X-Filler': 'x'.repeat(3000) }));
    await client.until(/HTTP\/1.1 431/);
    await client.ended;
  });

  test('more than a hundred headers are not looked at', async (t) => {
    const [client, door] = await device(t, { headerBytes: 65_536 });
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`X-${n}`, 'x']));
    client.send(post(inform(), many));
    await client.until(/HTTP\/1.1 [24]\d\d/);
    assert.ok(door.informs.length <= 1);
  });

  test('headers and bodies that drip end in their time', async (t) => {
    const limits = { headerTime: '300ms', bodyTime: '300ms' };
    const [slow] = await device(t, limits);
    slow.send('POST /cwmp HTTP/1.1\r\nHost: loc');
    await slow.until(/HTTP\/1.1 408/);
    await slow.ended;
    const [dripping] = await device(t, limits);
    dripping.send('POST /cwmp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n<x>');
    await dripping.until(/HTTP\/1.1 408/);
    await dripping.ended;
  });

  test('a body beyond its size is refused: announced, in chunks, or packed small', async (t) => {
    const limits = { requestBytes: 32_768 };
    const long = 'x'.repeat(40_000);
    const [announced] = await device(t, limits);
    announced.send('POST /cwmp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40000\r\n\r\n');
    await announced.until(/HTTP\/1.1 413/);
    const [chunked] = await device(t, limits);
    chunked.send(`POST /cwmp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n9c40\r\n${long}\r\n`);
    await chunked.until(/HTTP\/1.1 413/);
    for (const body of [gzipSync(Buffer.alloc(1024 * 1024)), deflateSync(Buffer.alloc(1024 * 1024))]) {
      const [client] = await device(t, limits);
      const encoding = body[0] === 0x1f ? 'gzip' : 'deflate';
      client.send(`POST /cwmp HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: ${encoding}\r\n`);
      client.send(`Content-Length: ${body.length}\r\n\r\n`);
      client.send(body);
      await client.until(/HTTP\/1.1 413/);
    }
  });

  test('gzip, deflate and bare deflate are understood; others get 415 and what is broken 400', async (t) => {
    const text = Buffer.from(inform());
    const bodies: readonly [string, Buffer, RegExp][] = [
      ['gzip', gzipSync(text), /InformResponse/],
      ['x-gzip', gzipSync(text), /InformResponse/],
      ['deflate', deflateSync(text), /InformResponse/],
      ['deflate', deflateRawSync(text), /InformResponse/],
      ['br', text, /HTTP\/1.1 415/],
      ['gzip', text, /HTTP\/1.1 400/],
    ];
    for (const [encoding, body, pattern] of bodies) {
      const [client] = await device(t, {});
      client.send(`POST /cwmp HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: ${encoding}\r\n`);
      client.send(`Content-Length: ${body.length}\r\n\r\n`);
      client.send(body);
      await client.until(pattern);
    }
  });

  test('the whole URL in the request line is the same path; another path is none', async (t) => {
    const door = await openDoor(t, on);
    for (const [target, status] of [
      ['https://acs.example:7547/cwmp', 200],
      ['HTTPS://acs.example/cwmp?x=/y', 200],
      ['https://acs.example', 404],
      ['https://acs.example/other', 404],
      ['ftp://acs.example/cwmp', 404],
    ] as const) {
      const client = await call(t, door, on);
      client.send(post(inform()).toString().replace('POST /cwmp ', `POST ${target} `));
      await client.until(new RegExp(`HTTP/1.1 ${status}`));
      client.socket.destroy();
    }
  });

  test('100 Continue is sent where the body is wanted, and withheld where it is not', async (t) => {
    const body = inform();
    const head = (length: number) =>
      `POST /cwmp HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
    const [client] = await device(t, {});
    client.send(head(Buffer.byteLength(body)));
    await client.until(/^HTTP\/1.1 100 Continue/);
    client.send(body);
    await client.until(/InformResponse/);
    const [greedy] = await device(t, { requestBytes: 32_768 });
    greedy.send(head(1_000_000));
    await greedy.until(/^HTTP\/1.1 413/);
  });

  test('sends so many Informs in a minute and no more, on however many connections; another device is served', async (t) => {
    const [client, door] = await device(t, { informsPerMinute: 3 });
    for (let n = 1; n <= 3; n += 1) {
      client.send(post(inform()));
      await client.until(new RegExp(`(InformResponse>?[\\s\\S]*){${n}}`));
    }
    for (let n = 0; n < 3; n += 1) {
      const again = await call(t, door, on);
      again.send(post(inform()));
      await again.until(/HTTP\/1.1 503[\s\S]*Retry-After/i);
      await again.ended;
    }
    assert.equal(door.informs.length, 3);
    const refused = door.gate.sessionRefusals.map(({ reason, detail }) => `${reason}/${detail}`);
    assert.deepEqual(refused, ['rate_limited/too_many_sessions']);
    const other = await call(t, door, on, await on.pki.leaf('00a0bc000002.hnb.acme.example'));
    other.send(post(inform('000002')));
    await other.until(/InformResponse/);
  });

  test('holds so many connections and no more: the one that has been idle longest makes room', async (t) => {
    const [first, door] = await device(t, { connectionsPerDevice: 2 });
    first.send(post(inform()));
    await first.until(/InformResponse/);
    const second = await call(t, door, on);
    const other = await call(t, door, on, await on.pki.leaf('00a0bc000002.hnb.acme.example'));
    await eventually(() => door.gate.admissions.length === 3);
    const third = await call(t, door, on);
    await first.ended;
    for (const client of [second, third, other]) {
      client.send(post(inform()));
      await client.until(/InformResponse/);
    }
    const refused = door.gate.sessionRefusals.map(({ reason, detail }) => `${reason}/${detail}`);
    assert.deepEqual(refused, ['rate_limited/too_many_connections']);
  });

  test('a connection serves many sessions, one after the other', async (t) => {
    const [client, door] = await device(t, {});
    for (let n = 1; n <= 3; n += 1) {
      client.send(post(inform()));
      await client.until(new RegExp(`(InformResponse>?[\\s\\S]*){${n}}`));
      client.send(post(''));
      await client.until(new RegExp(`(HTTP/1.1 204[\\s\\S]*){${n}}`));
    }
    assert.equal(door.informs.length, 3);
    assert.equal(door.gate.handshakes.length, 1);
  });

  test('who says nothing for too long is forgotten, and its cookie opens nothing', async (t) => {
    const [client, door] = await device(t, { idleTime: '200ms' });
    client.send(post(inform()));
    const [, cookie = ''] = await client.until(/set-cookie: (hems=[\w-]+)[\s\S]*InformResponse/i);
    const over = 'hems_southbound_sessions_total{listener="door",outcome="timed_out"}';
    await eventually(async () => (await door.metric(over)) === 1);
    const again = await call(t, door, on);
    again.send(post('<x/>', { Cookie: cookie }));
    await again.until(/HTTP\/1.1 400/);
  });
});
