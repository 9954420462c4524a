import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { LimitsConfig } from '../config/schema.ts';

/** A CPE needs a dozen. */
const mostHeaders = 100;

/** Never listens: sockets are emitted into it. Requests that wait for 100 Continue are handed on like all others. */
export function newServer(
  limits: LimitsConfig,
  transferTime: number,
  expecting: WeakSet<IncomingMessage>,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headerTime,
      // Of a file that is sent; the body of a message has its own, shorter time.
      requestTimeout: limits.headerTime + Math.max(limits.bodyTime, transferTime),
      // Longer than a session waits for its next message, so that it is not the connection that ends it.
      keepAliveTimeout: limits.idleTime + 5000,
      connectionsCheckingInterval: Math.max(50, Math.min(5000, limits.headerTime / 4)),
      requireHostHeader: false,
    },
    handler,
  );
  server.maxHeadersCount = mostHeaders;
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    expecting.add(request);
    handler(request, response);
  });
  return server;
}

const parserStatus: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  431: 'Request Header Fields Too Large',
};

/** Answers what the parser could not read, or waited for in vain, without a body; the status, if there was an answer. */
export function answerParser(error: Error & { code?: string }, socket: Socket): number | undefined {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return undefined;
  }
  const status = parserStatus[error.code ?? ''] ?? 400;
  socket.end(`HTTP/1.1 ${status} ${phrases[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroySoon();
  return status;
}
