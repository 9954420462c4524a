import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientCredentials } from './tls-client.ts';

/** As whom a device fetches and sends files: as itself, by the certificate of its sessions. */
export interface FilePeer {
  /** PEM of the CA by which the server is trusted. */
  readonly ca: string;
  readonly credentials?: ClientCredentials | undefined;
  readonly timeoutMs: number;
}

/** What of a file is there so far. Its bytes are hashed and counted; the first ones are kept. */
export interface Fetched {
  bytes: number;
  etag: string | undefined;
  digest: Hash;
  head: Buffer[];
  /** Base64 of the whole file, as the server says (RFC 9530). */
  announced: string | undefined;
  /** Of the whole file. */
  size: number | undefined;
}

export function nothingFetched(): Fetched {
  return {
    ...{ bytes: 0, etag: undefined, head: [], announced: undefined, size: undefined },
    digest: createHash('sha256'),
  };
}

/** Bytes of a file that are kept as they are: more than any configuration has. */
const mostKept = 1024 * 1024;

export type FileOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterMs: number | undefined }
  /** It got so far, and may be gone on with. */
  | { readonly kind: 'broken'; readonly connected: boolean; readonly error: string };

export interface FetchPace {
  /** The device breaks the connection off when it has so many bytes of the file. */
  readonly breakAt?: number | undefined;
  /** Bytes a second that it takes. */
  readonly rate?: number | undefined;
}

function optionsOf(url: URL, peer: FilePeer): RequestOptions {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    ...{ host, port: url.port === '' ? 443 : url.port, path: url.pathname + url.search, agent: false },
    ...{ ca: peer.ca, timeout: peer.timeoutMs, ciphers: 'DEFAULT:@SECLEVEL=0', minVersion: 'TLSv1.2' },
    ...(isIP(host) === 0 && { servername: host }),
    ...(peer.credentials !== undefined && { cert: peer.credentials.chain, key: peer.credentials.key }),
  };
}

/** One GET, of what is missing; what came is in `so far`, whatever the outcome. */
export async function fetchMore(url: URL, peer: FilePeer, soFar: Fetched, pace: FetchPace): Promise<FileOutcome> {
  const { etag, bytes } = soFar;
  const headers =
    bytes > 0 && etag !== undefined ? { Range: `bytes=${bytes}-`, 'If-Range': etag } : ({} as Record<string, string>);
  const seen = await send(url, { ...optionsOf(url, peer), method: 'GET', headers }, undefined);
  if ('kind' in seen) return seen;
  const { statusCode: status = 0 } = seen;
  if (status !== 200 && status !== 206) return ended(seen);
  if (status === 200) Object.assign(soFar, nothingFetched());
  soFar.etag = seen.headers.etag;
  soFar.announced = /sha-256=:([^:]+):/.exec(String(seen.headers['repr-digest'] ?? ''))?.[1];
  const total = /\/(\d+)$/.exec(seen.headers['content-range'] ?? '')?.[1] ?? seen.headers['content-length'];
  soFar.size = total === undefined ? undefined : Number(total);
  return take(seen, soFar, pace);
}

async function take(response: IncomingMessage, soFar: Fetched, { breakAt, rate }: FetchPace): Promise<FileOutcome> {
  const started = performance.now();
  let taken = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      if (soFar.bytes < mostKept) soFar.head.push(Buffer.from(piece));
      soFar.digest.update(piece);
      soFar.bytes += piece.length;
      taken += piece.length;
      if (breakAt !== undefined && soFar.bytes >= breakAt)
        return { kind: 'broken', connected: true, error: 'broken off by the device' };
      const ahead = rate === undefined ? 0 : (taken / rate) * 1000 - (performance.now() - started);
      if (ahead > 0) await sleep(ahead);
    }
  } catch (error) {
    return { kind: 'broken', connected: true, error: error instanceof Error ? error.message : String(error) };
  } finally {
    response.destroy();
  }
  return { kind: 'done' };
}

function ended(response: IncomingMessage): FileOutcome {
  response.resume();
  const after = Number(response.headers['retry-after'] ?? Number.NaN);
  const retryAfterMs = Number.isNaN(after) ? undefined : after * 1000;
  return { kind: 'status', status: response.statusCode ?? 0, retryAfterMs };
}

/** PUT of the whole file, with its length. */
export async function putFile(url: URL, peer: FilePeer, body: Buffer, pace: FetchPace): Promise<FileOutcome> {
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(body.length) };
  const seen = await send(url, { ...optionsOf(url, peer), method: 'PUT', headers }, body, pace);
  if ('kind' in seen) return seen;
  const { statusCode: status = 0 } = seen;
  if (status < 200 || status > 299) return ended(seen);
  seen.resume();
  return { kind: 'done' };
}

function send(
  _url: URL,
  options: RequestOptions,
  body: Buffer | undefined,
  { breakAt, rate }: FetchPace = {},
): Promise<IncomingMessage | (FileOutcome & { kind: 'broken' })> {
  return new Promise((resolve) => {
    let connected = false;
    const request = httpsRequest(options, resolve);
    const broken = (error: Error): void => resolve({ kind: 'broken', connected, error: error.message });
    request.on('socket', (socket) => socket.once('secureConnect', () => (connected = true)));
    request.on('timeout', () => request.destroy(new Error('the server said nothing for too long')));
    request.on('error', broken);
    if (body === undefined) return void request.end();
    void write(request, body, breakAt, rate).catch(broken);
  });
}

async function write(
  request: ReturnType<typeof httpsRequest>,
  body: Buffer,
  breakAt: number | undefined,
  rate: number | undefined,
): Promise<void> {
  const step = rate === undefined ? 64 * 1024 : Math.max(1, Math.min(64 * 1024, Math.floor(rate / 10)));
  const end = Math.min(breakAt ?? body.length, body.length);
  for (let at = 0; at < end; at += step) {
    if (request.destroyed) return;
    const piece = body.subarray(at, Math.min(at + step, end));
    await new Promise<void>((resolve) => void request.write(piece, () => resolve()));
    if (rate !== undefined) await sleep((piece.length / rate) * 1000);
  }
  if (breakAt === undefined || breakAt >= body.length) request.end();
  else request.destroy(new Error('broken off by the device'));
}
