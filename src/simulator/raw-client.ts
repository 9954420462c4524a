import type { Socket } from 'node:net';
import { clientHello, type HelloName, helloPlans } from './raw-client-hello.ts';
import { openTcp } from './tls-client.ts';

/** What came back on a connection that never was TLS, or never became it. */
export interface RawReport {
  readonly localPort?: number;
  /** The first alert record, if one came. */
  readonly alert?: { readonly level: number; readonly description: number };
  readonly serverHello?: { readonly version: number; readonly suite: number };
  readonly bytesReceived: number;
  /** Status line, if the server answered in plain HTTP: it never should. */
  readonly plainHttp?: string;
  /** `nobody`: no connection; `device`: the server had not ended it within the time given. */
  readonly closedBy: 'acs' | 'device' | 'nobody';
  readonly error?: string;
  readonly durationMs: number;
}

/** Sends a hand-made ClientHello and reads the server's first words. */
export function sendHello(url: string, name: HelloName, timeoutMs?: number): Promise<RawReport> {
  return sendRaw(url, clientHello(helloPlans[name]), timeoutMs);
}

/** A request in plain HTTP to a port that speaks TLS (TLS-20: no upgrade, no redirect). */
export function sendPlainHttp(url: string, timeoutMs?: number): Promise<RawReport> {
  const { host, pathname } = new URL(url);
  return sendRaw(
    url,
    Buffer.from(`POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`),
    timeoutMs,
  );
}

/** Sends bytes as they are; ends when the server does, when it has said enough to be understood, or at the time-out. */
export async function sendRaw(url: string, bytes: Buffer, timeoutMs = 5000): Promise<RawReport> {
  const started = performance.now();
  const socket = await openTcp(new URL(url), timeoutMs);
  if ('kind' in socket)
    return { bytesReceived: 0, closedBy: 'nobody', error: socket.error, durationMs: performance.now() - started };
  const localPort = socket.localPort ?? 0;
  const { received, ended, error } = await listen(socket, bytes, timeoutMs);
  return {
    localPort,
    ...understand(received),
    bytesReceived: received.length,
    closedBy: ended ? 'acs' : 'device',
    ...(error === undefined ? {} : { error }),
    durationMs: performance.now() - started,
  };
}

interface Heard {
  readonly received: Buffer;
  readonly ended: boolean;
  readonly error?: string;
}

function listen(socket: Socket, bytes: Buffer, timeoutMs: number): Promise<Heard> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    let ended = false;
    let error: string | undefined;
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      // A ServerHello: the server has chosen, and there is no going on from here.
      if (understand(received).serverHello !== undefined) socket.destroy();
    });
    socket.on('end', () => {
      ended = true;
    });
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      ended ||= cause.code === 'ECONNRESET' || cause.code === 'EPIPE';
      error = cause.message;
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ received, ended, ...(error === undefined ? {} : { error }) });
    });
    socket.write(bytes);
  });
}

/** Reads the first record: an alert, a ServerHello, or words in plain HTTP. */
export function understand(bytes: Buffer): Pick<RawReport, 'alert' | 'serverHello' | 'plainHttp'> {
  if (bytes.subarray(0, 5).toString('latin1') === 'HTTP/')
    return { plainHttp: bytes.toString('latin1').split('\r\n')[0] ?? '' };
  if (bytes.length >= 7 && bytes[0] === 21) return { alert: { level: bytes[5] ?? 0, description: bytes[6] ?? 0 } };
  // Record header 5, handshake header 4, version 2, random 32, then the session id.
  const sessionIdAt = 43;
  if (bytes.length <= sessionIdAt || bytes[0] !== 22 || bytes[5] !== 2) return {};
  const suiteAt = sessionIdAt + 1 + (bytes[sessionIdAt] ?? 0);
  if (bytes.length < suiteAt + 2) return {};
  return { serverHello: { version: bytes.readUInt16BE(9), suite: bytes.readUInt16BE(suiteAt) } };
}
