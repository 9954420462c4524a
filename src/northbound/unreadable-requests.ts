import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { problem, problemContentType } from './problem.ts';

const statuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** What is no HTTP, or comes too slowly, never reaches a route. */
export function refuseUnreadable({ code }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer = problem(statuses[code ?? ''] ?? 400);
  const body = JSON.stringify(answer);
  const head = [
    `HTTP/1.1 ${answer.status} ${answer.title}`,
    `Content-Type: ${problemContentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

declare module 'fastify' {
  interface FastifyRequest {
    bodyDeadline: NodeJS.Timeout | null;
  }
}

/** A body that is no upload comes within this time. */
const bodyWithin = 10_000;
/** Longest upload; a socket on which nothing moves is closed long before. */
export const longestUpload = 1_800_000;

/** Node knows one time limit for whole requests, which uploads need; all others get theirs here. */
export function limitBodies(app: FastifyInstance): void {
  app.decorateRequest('bodyDeadline', null);
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    if (raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined) {
      const late = (): void => {
        const slow = Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
        // Whoever is refused already is waited for no longer.
        if (reply.raw.headersSent) raw.socket.destroy();
        else refuseUnreadable(slow, raw.socket);
      };
      const timer = setTimeout(late, bodyWithin).unref();
      request.bodyDeadline = timer;
      raw.once('close', () => clearTimeout(timer));
      raw.once('end', () => clearTimeout(timer));
    }
    done();
  });
}

/** From now on this request is an upload. */
export function liftBodyDeadline(request: FastifyRequest): void {
  if (request.bodyDeadline !== null) clearTimeout(request.bodyDeadline);
}
