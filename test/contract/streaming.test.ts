import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fastify } from 'fastify';
import { operation } from '../../src/northbound/operation.ts';
import { operationRoutes } from '../../src/northbound/operation-routes.ts';

const piece = `${'x'.repeat(99)}\n`.repeat(1000);

describe('an answer that is streamed', () => {
  test('is made no faster than it is read, and no further once nobody reads', { timeout: 60_000 }, async () => {
    let made = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) {
          made += 1;
          yield piece;
        }
      } finally {
        ended = true;
      }
    }
    const app = fastify();
    app.decorateRequest('caller', null);
    app.addHook('onRequest', (request, _reply, done) => {
      request.caller = { kind: 'key', keyId: 'k', name: 'test', role: 'viewer', group: null };
      done();
    });
    const answers = { 200: { description: 'Endless.', media: ['text/csv'] } };
    const permission = { permission: 'devices:read', reach: 'fleet' } as const;
    const about = { id: 'endless', method: 'GET', path: '/endless', summary: '', tag: 't' } as const;
    const handle = async () => ({ status: 200, type: 'text/csv', stream: endless() });
    const idempotency = { claim: () => assert.fail('nobody asked for it') };
    await operationRoutes(app, [operation({ ...about, ...permission, answers, handle })], idempotency);
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.pause();
    socket.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
    // What the kernel takes between the two is bounded; then it stands still.
    for (let still = 0, last = -1; still < 20; still = made === last ? still + 1 : 0) {
      last = made;
      await sleep(25);
    }
    assert.ok(made > 0 && made * piece.length < 64 * 1024 * 1024, `${made} pieces of ${piece.length} octets`);
    const before = made;
    socket.resume();
    while (made < before + 20) await sleep(5);
    socket.destroy();
    await once(socket, 'close');
    while (!ended) await sleep(5);
    await app.close();
  });
});
