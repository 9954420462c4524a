import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { TestContext } from 'node:test';
import { Registry } from 'prom-client';
import { manualClock } from '../../../src/platform/clock.ts';
import { createEgress, type Egress, type EgressDeps } from '../../../src/platform/egress/egress.ts';
import type { EgressPolicy, EgressRequest, EgressResult } from '../../../src/platform/egress/egress-request.ts';
import { cleanup } from '../../support/cleanup.ts';

/** Servers on loopback, and an egress that asks them. */

export interface Site {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly url: string;
  readonly seen: IncomingMessage[];
}

export async function site(t: TestContext, listener: RequestListener): Promise<Site> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  const port = await listen(t, server);
  return { port, host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}/`, seen };
}

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(t, () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return (server.address() as AddressInfo).port;
}

/** A forward proxy for both forms; what it was asked for, as it stood in the first line. */
export async function forwardProxy(t: TestContext, to: number): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('by the proxy');
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const onward = connect(to, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  });
  return { url: `http://127.0.0.1:${await listen(t, server)}`, asked };
}

export interface Asking {
  readonly egress: Egress;
  readonly metrics: Registry;
  readonly clock: ReturnType<typeof manualClock>;
  ask(url: string, policy?: EgressPolicy, more?: Partial<EgressRequest>): Promise<EgressResult>;
}

export function asking(t: TestContext, deps: Partial<EgressDeps> = {}): Asking {
  const metrics = new Registry();
  const clock = manualClock(new Date('2026-06-01T12:00:00Z'));
  const egress = createEgress({ clock, metrics, ...deps });
  cleanup(t, () => egress.close());
  const base = { purpose: 'crl', method: 'GET', maxBytes: 100_000, timeout: 20_000 } as const;
  return {
    egress,
    metrics,
    clock,
    ask: (url, policy = {}, more = {}) => egress.fetch({ ...base, url, policy, ...more }),
  };
}

/** `200`, `304`, or the cause of a refusal or failure. */
export function outcome(result: EgressResult): string {
  switch (result.kind) {
    case 'answer':
      return String(result.status);
    case 'not-modified':
      return '304';
    default:
      return `${result.kind}: ${result.cause}`;
  }
}

export function text(result: EgressResult): string {
  return result.kind === 'answer' ? Buffer.from(result.body).toString() : outcome(result);
}
