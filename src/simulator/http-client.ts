import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Dechunked, dechunk } from './http-chunks.ts';
import { alertOf } from './tls-client.ts';

export interface HttpRequest {
  readonly path: string;
  readonly host: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Empty for an empty POST. */
  readonly body: string;
  /** Send the body in chunks instead of with a Content-Length. */
  readonly chunked?: boolean;
  /** Ask for `100 Continue` and wait for it (at most a second, RFC 9110 10.1.1) before the body. */
  readonly expectContinue?: boolean;
  readonly gzip?: boolean;
}

export interface HttpReply {
  readonly kind: 'reply';
  readonly status: number;
  /** Names in lower case, every value of a repeated one. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
}

/** The other side ended the connection, or said nothing in time. */
export interface HttpClosed {
  readonly kind: 'closed';
  readonly alert?: number;
  readonly error?: string;
  readonly timedOut: boolean;
}

export interface HttpConnection {
  post(request: HttpRequest): Promise<HttpReply | HttpClosed>;
  /** Raw bytes, for clients that do not speak HTTP properly. */
  write(bytes: string | Buffer): void;
  /** The next reply, whatever asked for it. */
  read(): Promise<HttpReply | HttpClosed>;
  /** True once the other side has ended. */
  readonly closed: () => boolean;
  close(): Promise<void>;
}

interface State {
  received: Buffer;
  closed: boolean;
  error?: Error;
  wake: () => void;
}

/** HTTP/1.1 over a connection, as small as a femtocell's: one request at a time, no pipelining (TR-069 3.4.6). */
export function httpConnection(socket: Duplex, timeoutMs = 30_000): HttpConnection {
  const state: State = { received: Buffer.alloc(0), closed: false, wake: () => undefined };
  const change = (apply: () => void): void => {
    apply();
    state.wake();
  };
  socket.on('data', (bytes: Buffer) => change(() => (state.received = Buffer.concat([state.received, bytes]))));
  socket.on('error', (error: Error) => change(() => (state.error ??= error)));
  for (const event of ['end', 'close']) socket.on(event, () => change(() => (state.closed = true)));
  if (socket.destroyed || socket.readableEnded) state.closed = true;
  if (socket.errored !== null) state.error = socket.errored;

  const read = (): Promise<HttpReply | HttpClosed> => readFinalReply(state, timeoutMs);
  const post = async (request: HttpRequest): Promise<HttpReply | HttpClosed> => {
    const body = request.gzip === true ? gzipSync(request.body) : Buffer.from(request.body, 'utf8');
    const framed = request.chunked === true ? chunks(body) : body;
    const head = Buffer.from(requestHead(request, body.length), 'utf8');
    if (request.expectContinue !== true) socket.write(Buffer.concat([head, framed]));
    else {
      socket.write(head);
      const early = await interimReply(state);
      if (early !== undefined) return early;
      socket.write(framed);
    }
    return read();
  };
  return {
    post,
    read,
    write: (bytes) => void socket.write(bytes),
    closed: () => state.closed,
    close: () => close(socket, state),
  };
}

function requestHead(request: HttpRequest, length: number): string {
  const lines = [
    `POST ${request.path} HTTP/1.1`,
    `Host: ${request.host}`,
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ...(request.gzip === true ? ['Content-Encoding: gzip'] : []),
    ...(request.expectContinue === true ? ['Expect: 100-continue'] : []),
    request.chunked === true ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Uneven pieces, so that no boundary of the text coincides with one of the chunks by luck. */
function chunks(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, size = 1; at < body.length; at += size, size = (size * 7) % 997) {
    const piece = body.subarray(at, at + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

/** Waits for `100 Continue`; a final reply instead of it is returned, silence means "go on". */
async function interimReply(state: State): Promise<HttpReply | HttpClosed | undefined> {
  const reply = await nextReply(state, 1000);
  if (reply.kind === 'closed') return reply.timedOut ? undefined : reply;
  return reply.status === 100 ? undefined : reply;
}

async function readFinalReply(state: State, timeoutMs: number): Promise<HttpReply | HttpClosed> {
  for (;;) {
    const reply = await nextReply(state, timeoutMs);
    if (reply.kind === 'closed' || reply.status >= 200) return reply;
  }
}

async function nextReply(state: State, timeoutMs: number): Promise<HttpReply | HttpClosed> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const parsed = parseReply(state.received, state.closed);
    if (parsed !== undefined) {
      state.received = parsed.rest;
      return parsed.reply;
    }
    if (state.closed) return closedReply(state.error, false);
    const left = until - performance.now();
    if (left <= 0) return closedReply(new Error(`no reply within ${timeoutMs} ms`), true);
    await changed(state, left);
  }
}

function closedReply(error: Error | undefined, timedOut: boolean): HttpClosed {
  const alert = error === undefined ? undefined : alertOf(error);
  return {
    kind: 'closed',
    timedOut,
    ...(alert === undefined ? {} : { alert }),
    ...(error === undefined ? {} : { error: error.message }),
  };
}

async function changed(state: State, withinMs: number): Promise<void> {
  const cancel = new AbortController();
  const wake = new Promise<void>((resolve) => {
    state.wake = resolve;
  });
  await Promise.race([wake, delay(withinMs, undefined, { signal: cancel.signal }).catch(() => undefined)]);
  cancel.abort();
}

function parseReply(bytes: Buffer, closed: boolean): { reply: HttpReply; rest: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  const status = Number(statusLine.split(' ')[1]);
  const content = bodyOf(bytes.subarray(end + 4), status, headers, closed);
  return content && { reply: { kind: 'reply', status, headers, body: content.body }, rest: content.rest };
}

function bodyOf(
  bytes: Buffer,
  status: number,
  headers: ReadonlyMap<string, readonly string[]>,
  closed: boolean,
): Dechunked | undefined {
  if (status < 200 || status === 204 || status === 304) return { body: Buffer.alloc(0), rest: bytes };
  if (/chunked/i.test(headers.get('transfer-encoding')?.join() ?? '')) return dechunk(bytes);
  const length = headers.get('content-length')?.[0];
  if (length === undefined) return closed ? { body: bytes, rest: Buffer.alloc(0) } : undefined;
  const size = Number(length);
  return bytes.length < size ? undefined : { body: bytes.subarray(0, size), rest: bytes.subarray(size) };
}

/** Ends our side and waits for the other, shortly: a peer that keeps the connection open is cut. */
async function close(socket: Duplex, state: State): Promise<void> {
  if (socket.destroyed) return;
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.end();
  await Promise.race([gone, changed(state, 2000)]);
  socket.destroy();
}
