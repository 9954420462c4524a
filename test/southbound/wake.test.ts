import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { Registry } from 'prom-client';
import type { ClaimedRequest, ConnectionRequestOutcome } from '../../src/fleet/connection-request.ts';
import { manualClock } from '../../src/platform/clock.ts';
import { createEgress } from '../../src/platform/egress/egress.ts';
import type { Resolver } from '../../src/platform/egress/resolution.ts';
import { attemptWake, type WakeAttemptDeps } from '../../src/southbound/wake/wake-attempt.ts';
import type { WakeRules } from '../../src/southbound/wake/wake-target.ts';
import { digestResponse, readDigest } from '../../src/simulator/digest-check.ts';
import { cleanup } from '../support/cleanup.ts';

const inside: WakeRules = { networks: ['127.0.0.0/8'], target: 'last-seen' };
const outside: WakeRules = { networks: [], target: 'last-seen' };

interface Scene {
  readonly rules?: WakeRules;
  readonly resolver?: Resolver;
  readonly timeout?: number;
  readonly deps?: Partial<WakeAttemptDeps>;
}

const claimed = (url: string | null, more: Partial<ClaimedRequest> = {}): ClaimedRequest => ({
  ...{ deviceId: 'd', id: 'r', deviceState: 'active', url, lastAddress: '127.0.0.1', anchors: ['acme'] },
  ...{ taskId: null, taskState: null, username: null, sealed: null, credentialsState: null },
  ...more,
});

function waker(t: TestContext, scene: Scene = {}) {
  const clock = manualClock(new Date('2026-06-01T12:00:00Z'));
  const { resolver } = scene;
  const egress = createEgress({ clock, metrics: new Registry(), ...(resolver !== undefined && { resolver }) });
  cleanup(t, () => egress.close());
  const lost: string[] = [];
  const deps: WakeAttemptDeps = {
    ...{ egress, clock, rules: scene.rules ?? inside, timeout: scene.timeout ?? 20_000, digestAnchors: [] },
    requests: { isAnothers: async (_, address) => address === '127.0.0.3' },
    credentials: {
      provide: async () => 0,
      open: async () => ({ ok: true, secret: 'open sesame' }),
      lost: async (deviceId) => void lost.push(deviceId),
    },
    judgeServer: async () => 'nobody is to be reached by https here',
    ownCertificate: async () => ({ chain: '', key: '' }),
    ...scene.deps,
  };
  return { lost, wake: (url: string | null, more?: Partial<ClaimedRequest>) => attemptWake(deps, claimed(url, more)) };
}

async function listening(t: TestContext, server: Server | TcpServer, address = '127.0.0.1'): Promise<string> {
  server.listen(0, address);
  await once(server, 'listening');
  cleanup(t, () => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return `${address}:${(server.address() as AddressInfo).port}`;
}

async function device(t: TestContext, listener: RequestListener, address?: string) {
  const seen: { method: string | undefined; headers: object }[] = [];
  const server = createServer((request, response) => {
    seen.push({ method: request.method, headers: request.headers });
    listener(request, response);
  });
  const host = await listening(t, server, address);
  return { seen, host, port: host.split(':')[1] ?? '', url: `http://${host}/wake` };
}

const status =
  (code: number, headers = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(code, headers).end();

function held(outcome: ConnectionRequestOutcome, state: string, cause: string): void {
  assert.deepEqual([outcome.state, outcome.cause], [state, cause], JSON.stringify(outcome));
  assert.ok((outcome.detail ?? '') !== '' && (outcome.remedy ?? '') !== '', 'what and what to do');
}

describe('where a connection request goes', () => {
  test('to the address that the device was last seen from, inside a configured network, carrying nothing', async (t) => {
    const { url, seen } = await device(t, status(200));
    assert.deepEqual(await waker(t).wake(url), { state: 'accepted', form: 'plain', status: 200 });
    const [{ method, headers } = { method: '', headers: {} }] = seen;
    assert.equal(method, 'GET');
    assert.deepEqual(Object.keys(headers).sort(), ['accept-encoding', 'connection', 'host', 'user-agent']);
  });

  test('not to loopback unless it is configured, however it is written', async (t) => {
    const { port, seen } = await device(t, status(200));
    const { wake } = waker(t, { rules: outside });
    held(await wake(`http://127.0.0.1:${port}/`), 'refused', 'not-in-tunnel');
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])
      held(await wake(`https://${host}:${port}/`), 'refused', 'address');
    held(await wake(`https://127.0.0.1:${port}/`, { lastAddress: '203.0.113.9' }), 'refused', 'address');
    assert.equal(seen.length, 0);
  });

  test('not to a neighbour, nor to anybody else than the device itself', async (t) => {
    const neighbour = await device(t, status(200), '127.0.0.3');
    const { wake } = waker(t);
    held(await wake(neighbour.url), 'refused', 'address');
    held(await wake('http://169.254.169.254/latest/meta-data'), 'refused', 'address');
    held(await wake('http://127.0.0.1:9/', { lastAddress: '203.0.113.9' }), 'refused', 'not-in-tunnel');
    const free = waker(t, { rules: { ...inside, target: 'network' } });
    const said = await free.wake(neighbour.url);
    held(said, 'refused', 'address');
    assert.match(said.detail ?? '', /another device/);
    assert.equal(neighbour.seen.length, 0);
    const second = await device(t, status(204), '127.0.0.2');
    assert.equal((await free.wake(second.url)).state, 'accepted');
    held(await free.wake('http://10.0.0.1/'), 'refused', 'address');
  });

  test('to a name only if every address of it is the device itself; it is resolved once', async (t) => {
    const { port, seen } = await device(t, status(200));
    const names: Record<string, string[]> = {
      'cell.example': ['127.0.0.1'],
      'mapped.example': ['::ffff:127.0.0.1'],
      'private.example': ['10.0.0.7'],
      'two.example': ['127.0.0.1', '10.0.0.7'],
      'six.example': ['127.0.0.1', '::ffff:10.0.0.7'],
      'second.example': ['127.0.0.2'],
    };
    const asked: string[] = [];
    const resolver: Resolver = async (host) => {
      asked.push(host);
      return (names[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    };
    const { wake } = waker(t, { resolver });
    assert.equal((await wake(`http://cell.example:${port}/`)).state, 'accepted');
    assert.equal((await wake(`http://mapped.example:${port}/`)).state, 'accepted');
    assert.equal(asked.length, 2);
    for (const name of ['private', 'two', 'six', 'second'])
      held(await wake(`http://${name}.example:${port}/`), 'refused', 'address');
    held(await wake('http://nobody.example/'), 'refused', 'resolution');
    const free = waker(t, { resolver, rules: { ...inside, target: 'network' } });
    held(await free.wake(`http://second.example:${port}/`), 'refused', 'address');
    assert.equal(seen.length, 2);
  });

  test('not where the URL is none, has a password, or names a port of other services', async (t) => {
    const { wake } = waker(t);
    held(await wake(null), 'refused', 'no-url');
    held(await wake('cell.example'), 'refused', 'url');
    held(await wake('ftp://127.0.0.1/'), 'refused', 'url');
    held(await wake('http://root:root@127.0.0.1/'), 'refused', 'url');
    held(await wake('http://127.0.0.1:8080/\r\nX: y'), 'refused', 'url');
    held(await wake('http://127.0.0.1:22/'), 'refused', 'port');
    held(await wake('http://127.0.0.1/', { lastAddress: null }), 'refused', 'not-seen');
    held(await wake('http://127.0.0.1/', { deviceState: 'blocked' }), 'refused', 'device');
    const needless = await wake('http://127.0.0.1/', { taskId: 't', taskState: 'done' });
    assert.equal(needless.state, 'needless');
  });
});

describe('what a device answers to a connection request', () => {
  test('200 and 204 are a promise, everything else has a cause and a remedy', async (t) => {
    const { wake } = waker(t);
    const ask = async (code: number, headers = {}) => wake((await device(t, status(code, headers))).url);
    assert.equal((await ask(204)).state, 'accepted');
    held(await ask(503), 'busy', 'busy');
    held(await ask(401, { 'WWW-Authenticate': 'Digest realm="a", nonce="b"' }), 'unauthorized', 'unauthorized');
    held(await ask(500), 'rejected', 'status');
    const onward = await device(t, status(200));
    for (const code of [301, 302, 307, 308]) held(await ask(code, { Location: onward.url }), 'rejected', 'redirect');
    assert.equal(onward.seen.length, 0);
    const gone = await device(t, status(200));
    held(await wake(gone.url.replace(/:\d+\//, ':1025/')), 'no-answer', 'connection');
  });

  test('silence ends after the time-out', async (t) => {
    const mute = createTcpServer((socket) => socket.on('error', () => undefined).resume());
    const host = await listening(t, mute);
    held(await waker(t, { timeout: 300 }).wake(`http://${host}/`), 'no-answer', 'timeout');
    const dribble = createTcpServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.write('HTTP/1.1 2');
    });
    held(await waker(t, { timeout: 300 }).wake(`http://${await listening(t, dribble)}/`), 'no-answer', 'timeout');
  });

  test('a body without end is not read, and headers without end are not borne', async (t) => {
    const endless = await device(t, (_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    assert.equal((await waker(t).wake(endless.url)).state, 'accepted');
    const tcp = createTcpServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.write('HTTP/1.1 200 OK\r\n');
      const more = (): void => {
        while (!socket.destroyed && socket.write(`X-${'a'.repeat(1000)}: b\r\n`));
        if (!socket.destroyed) socket.once('drain', more);
      };
      more();
    });
    held(await waker(t).wake(`http://${await listening(t, tcp)}/`), 'no-answer', 'too-large');
    const noise = createTcpServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end('220 ftp ready\r\n'),
    );
    held(await waker(t).wake(`http://${await listening(t, noise)}/`), 'no-answer', 'broken');
  });
});

describe('digest, where the anchor allows it', () => {
  const password = 'open sesame';
  const known = { username: 'hems-1', sealed: 'x', credentialsState: 'done' };
  const allowed = { digestAnchors: ['acme'] };
  const wants = (challenge: string, judge: (header: string | undefined) => boolean) => {
    const listener: RequestListener = ({ headers }, response) => {
      if (judge(headers.authorization)) response.writeHead(200).end();
      else response.writeHead(401, { 'WWW-Authenticate': challenge }).end();
    };
    return listener;
  };
  const right = (header: string | undefined): boolean => {
    const said = readDigest(header);
    return said !== undefined && said.username === 'hems-1' && said.response === digestResponse(said, password);
  };
  const challenge = 'Digest realm="a, \\"b\\"", nonce="n1", qop="auth,auth-int", opaque="o", algorithm=MD5';

  test('a challenge is answered once, with the credentials of the device', async (t) => {
    const plain = await device(t, wants('Digest realm="a", nonce="n1", qop="auth"', right));
    const outcome = await waker(t, { deps: allowed }).wake(plain.url, known);
    assert.deepEqual(outcome, { state: 'accepted', form: 'digest', status: 200 });
    assert.equal(plain.seen.length, 2);
    const quoted = await device(
      t,
      wants(challenge, (header) => header?.includes('realm="a, \\"b\\""') === true),
    );
    assert.equal((await waker(t, { deps: allowed }).wake(quoted.url, known)).state, 'accepted');
  });

  test('nothing is proven to a device of another anchor, to one that wants Basic, or without credentials', async (t) => {
    const plain = await device(t, wants(challenge, right));
    held(await waker(t).wake(plain.url, known), 'unauthorized', 'unauthorized');
    const { wake } = waker(t, { deps: allowed });
    held(await wake(plain.url, { ...known, anchors: ['zenith'] }), 'unauthorized', 'unauthorized');
    held(await wake(plain.url), 'unauthorized', 'no-credentials');
    held(await wake(plain.url, { ...known, credentialsState: 'queued' }), 'unauthorized', 'no-credentials');
    for (const other of ['Basic realm="a"', 'Digest realm="a"', 'Digest realm="a", nonce="b", algorithm=MD5-sess'])
      held(
        await wake(
          (
            await device(
              t,
              wants(other, () => false),
            )
          ).url,
          known,
        ),
        'unauthorized',
        'challenge',
      );
    assert.ok(plain.seen.every(({ headers }) => !('authorization' in headers)));
  });

  test('a device that asks again and again is left after one answer, or two where its nonce was stale', async (t) => {
    const loop = await device(
      t,
      wants(challenge, () => false),
    );
    const { wake, lost } = waker(t, { deps: allowed });
    held(await wake(loop.url, known), 'unauthorized', 'credentials');
    assert.equal(loop.seen.length, 2);
    assert.deepEqual(lost, ['d']);
    const stale = await device(
      t,
      wants(`${challenge}, stale=true`, () => false),
    );
    held(await wake(stale.url, known), 'unauthorized', 'credentials');
    assert.equal(stale.seen.length, 3);
  });
});
