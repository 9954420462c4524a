import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cleanup } from '../../support/cleanup.ts';
import { asking, outcome, site, text } from './web.ts';

/** A server that says what it likes, byte by byte. */
async function rawSite(t: TestContext, answer: (socket: import('node:net').Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
    cleanup(t, () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(t, () => new Promise((done) => server.close(done)));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const allow = (...hosts: string[]) => ({ privateHosts: hosts });

describe('an exchange', () => {
  test('answers with status, body and the headers that matter', async (t) => {
    const { url, host, seen } = await site(t, (_request, response) => {
      response.writeHead(404, {
        etag: '"v1"',
        'last-modified': 'Mon, 01 Jun 2026 00:00:00 GMT',
        'content-type': 'Text/Plain; charset=x',
      });
      response.end('no such list');
    });
    const { ask, metrics } = asking(t);
    const result = await ask(`${url}a?b=c`, allow(host), { accept: 'application/pkix-crl' });
    assert.ok(result.kind === 'answer');
    assert.deepEqual([result.status, Buffer.from(result.body).toString()], [404, 'no such list']);
    assert.deepEqual(result.headers, {
      etag: '"v1"',
      lastModified: 'Mon, 01 Jun 2026 00:00:00 GMT',
      contentType: 'text/plain',
    });
    const [request] = seen;
    assert.deepEqual(
      [request?.url, request?.headers.accept, request?.headers['accept-encoding']],
      ['/a?b=c', 'application/pkix-crl', 'identity'],
    );
    assert.match(await metrics.metrics(), /hems_egress_requests_total\{purpose="crl",outcome="http_error"\} 1/);
  });

  test('posts a body with its type', async (t) => {
    const { url, host } = await site(t, (request, response) => {
      request
        .setEncoding('utf8')
        .on('data', (part) => response.write(`${request.method} ${request.headers['content-type']} ${part}`));
      request.on('end', () => response.end());
    });
    const { ask } = asking(t);
    const body = { type: 'application/ocsp-request', bytes: Buffer.from('question') };
    assert.equal(text(await ask(url, allow(host), { method: 'POST', body })), 'POST application/ocsp-request question');
  });

  test('asks on conditions, and learns that what is at hand still stands', async (t) => {
    const { url, host, seen } = await site(t, (request, response) => {
      response.statusCode = request.headers['if-none-match'] === '"v1"' ? 304 : 200;
      response.end();
    });
    const { ask } = asking(t);
    const validators = { etag: '"v1"', lastModified: 'Mon, 01 Jun 2026 00:00:00 GMT' };
    assert.equal(outcome(await ask(url, allow(host), { validators })), '304');
    assert.equal(seen[0]?.headers['if-modified-since'], validators.lastModified);
    const forged = { etag: '"v1"\r\nX-Evil: 1', lastModified: 'x\0' };
    assert.equal(outcome(await ask(url, allow(host), { validators: forged })), '200');
    assert.equal(seen[1]?.headers['if-none-match'], undefined);
    assert.equal(seen[1]?.headers['x-evil'], undefined);
  });

  test('ends where there is no server, and where TLS finds a stranger', async (t) => {
    const { ask } = asking(t);
    assert.equal(outcome(await ask('http://127.0.0.1:1/', allow('127.0.0.1:1'))), 'failed: connection');
    const { host } = await site(t, () => {});
    assert.match(outcome(await ask(`https://${host}/`, allow(host))), /^failed: (tls|broken)$/);
  });
});

describe('an answer that does not end well', () => {
  test('drips: the time is for the whole, not for each octet', async (t) => {
    const { url, host } = await site(t, (_request, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const { ask } = asking(t);
    assert.equal(outcome(await ask(url, allow(host), { timeout: 300 })), 'failed: timeout');
  });

  test('never starts', async (t) => {
    const { url, host } = await site(t, () => {});
    const { ask } = asking(t);
    assert.equal(outcome(await ask(url, allow(host), { timeout: 100 })), 'failed: timeout');
  });

  test('is larger than allowed: announced, or endless', async (t) => {
    let sent = 0;
    const { url, host } = await site(t, (request, response) => {
      if (request.url === '/announced') {
        response.writeHead(200, { 'content-length': 1e9 });
        response.flushHeaders();
        return;
      }
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) sent += 16_384;
      };
      response.on('drain', more);
      more();
    });
    const { ask } = asking(t);
    for (const path of ['announced', 'endless'])
      assert.equal(outcome(await ask(`${url}${path}`, allow(host), { maxBytes: 50_000 })), 'failed: too-large', path);
    assert.ok(sent < 20_000_000, 'and it is not read to its end');
    const exact = await site(t, (_request, response) => response.end(Buffer.alloc(1000)));
    const { ask: again } = asking(t);
    assert.equal(outcome(await again(exact.url, allow(exact.host), { maxBytes: 1000 })), '200');
    assert.equal(outcome(await again(exact.url, allow(exact.host), { maxBytes: 999 })), 'failed: too-large');
  });

  test('breaks off in the middle, or is no HTTP', async (t) => {
    const cut = await rawSite(t, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
    const chunk = await rawSite(t, (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal'),
    );
    const noise = await rawSite(t, (socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    const flood = await rawSite(t, (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`));
    const { ask } = asking(t);
    for (const host of [cut, chunk, noise])
      assert.equal(outcome(await ask(`http://${host}/`, allow(host))), 'failed: broken');
    assert.equal(outcome(await ask(`http://${flood}/`, allow(flood))), 'failed: too-large');
  });

  test('is packed, whatever it would unpack to', async (t) => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const { url, host } = await site(t, (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(bomb);
    });
    const { ask } = asking(t);
    assert.equal(outcome(await ask(url, allow(host))), 'failed: encoding');
  });
});

describe('redirects', () => {
  const redirecting = (t: TestContext, to: (path: string) => string, status = 302) =>
    site(t, (request, response) => {
      if (request.url === '/end') return response.end(`${request.method} arrived`);
      response.writeHead(status, { location: to(request.url ?? '') });
      return response.end();
    });

  test('are not followed unless the policy says so', async (t) => {
    const { url, host, seen } = await redirecting(t, () => '/end');
    const { ask } = asking(t);
    assert.equal(outcome(await ask(url, allow(host))), 'refused: redirect');
    assert.equal(seen.length, 1);
    const followed = await ask(url, { ...allow(host), redirects: 1 });
    assert.equal(text(followed), 'GET arrived');
    assert.ok(followed.kind === 'answer' && followed.url === `${url}end`);
  });

  test('are bounded, and five at most', async (t) => {
    const { url, host, seen } = await redirecting(t, (path) => `${path}x`);
    const { ask } = asking(t);
    assert.equal(outcome(await ask(url, { ...allow(host), redirects: 2 })), 'refused: redirect');
    assert.equal(seen.length, 3);
    assert.equal(outcome(await ask(url, { ...allow(host), redirects: 99 })), 'refused: redirect');
    assert.equal(seen.length, 9);
  });

  test('lead to nobody whom the first URL could not have named: loopback, another scheme, another port', async (t) => {
    const inside = await site(t, (_request, response) => response.end('secret'));
    const targets = [
      inside.url,
      `http://localhost:${inside.port}/`,
      'http://169.254.169.254/',
      'https://a.example/',
      'file:///etc/passwd',
      '//10.0.0.1/',
      'http://b.example:22/',
    ];
    for (const target of targets) {
      const { url, host } = await redirecting(t, () => target);
      const { ask } = asking(t, { resolver: async () => [{ address: '127.0.0.1', family: 4 }] });
      const result = await ask(url, { ...allow(host), ports: [80, 443, inside.port], redirects: 3 });
      assert.match(outcome(result), /^refused: (address|redirect|port|scheme)$/, target);
    }
    assert.equal(inside.seen.length, 0);
  });

  test('repeat a POST only where the server says so (RFC 9110 15.4.8)', async (t) => {
    const body = { type: 'text/plain', bytes: Buffer.from('x') };
    const see = await redirecting(t, () => '/end', 303);
    const again = await redirecting(t, () => '/end', 307);
    const { ask } = asking(t);
    assert.equal(outcome(await ask(see.url, { ...allow(see.host), redirects: 1 }, { method: 'POST', body })), '303');
    assert.equal(
      text(await ask(again.url, { ...allow(again.host), redirects: 1 }, { method: 'POST', body })),
      'POST arrived',
    );
  });
});

describe('restraint', () => {
  test('what failed is left alone for a while, longer each time, unless asked for on purpose', async (t) => {
    let answers = false;
    const { url, host, seen } = await site(t, (request, response) =>
      answers ? response.end('back') : request.destroy(),
    );
    const { ask, clock } = asking(t, { firstPause: 1000, longestPause: 3000 });
    assert.equal(outcome(await ask(url, allow(host))), 'failed: broken');
    assert.equal(outcome(await ask(url, allow(host))), 'failed: remembered');
    assert.equal(seen.length, 1);
    assert.equal(outcome(await ask(url, allow(host), { again: true })), 'failed: broken');
    clock.advance(1500);
    assert.equal(outcome(await ask(url, allow(host))), 'failed: remembered', 'twice as long after the second failure');
    clock.advance(600);
    answers = true;
    assert.equal(outcome(await ask(url, allow(host))), '200');
    assert.equal(outcome(await ask(url, allow(host))), '200', 'forgotten once it works');
    assert.equal(outcome(await ask(`${url}other`, allow(host))), '200', 'and never another URL');
  });

  test('few at a time go to one host, the others wait, and not too many of them', async (t) => {
    let now = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const { url, host } = await site(t, (_request, response) => {
      most = Math.max(most, ++now);
      waiting.push(() => {
        now -= 1;
        response.end('done');
      });
    });
    const { ask } = asking(t, { perHost: 2, waitingPerHost: 3 });
    const all = Promise.all(Array.from({ length: 7 }, () => ask(url, allow(host))));
    const timer = setInterval(() => waiting.shift()?.(), 5);
    cleanup(t, () => clearInterval(timer));
    const outcomes = (await all).map(outcome).sort();
    assert.deepEqual(outcomes, ['200', '200', '200', '200', '200', 'failed: busy', 'failed: busy']);
    assert.equal(most, 2);
  });

  test('waiting counts as time', async (t) => {
    const { url, host } = await site(t, () => {});
    const { ask } = asking(t, { perHost: 1 });
    const [, second] = await Promise.all([
      ask(url, allow(host), { timeout: 400 }),
      ask(`${url}b`, allow(host), { timeout: 100 }),
    ]);
    assert.equal(outcome(second), 'failed: timeout');
  });

  test('closing ends what is under way, and the server is not blamed for it', async (t) => {
    const { url, host } = await site(t, () => {});
    const { ask, egress } = asking(t);
    const under = ask(url, allow(host));
    setTimeout(() => egress.close(), 50);
    assert.equal(outcome(await under), 'failed: timeout');
  });
});
