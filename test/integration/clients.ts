/** Clients that do on the wire what no femtocell of the simulator does. */
import { createConnection, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Femtocell } from '../../src/simulator/femtocell.ts';
import type { ClientCredentials, TlsVersion } from '../../src/simulator/tls-client.ts';

export interface SpokenTls {
  readonly port: number;
  /** PEM of the CA by which the server is trusted. */
  readonly ca: string;
  readonly credentials?: ClientCredentials | undefined;
  readonly version?: TlsVersion;
  readonly session?: Buffer;
  readonly bytes: string | Buffer;
  /** `with Finished`: as early as TLS lets application data go; `after`: once our side of the handshake is done. */
  readonly when?: 'with Finished' | 'after';
  /** Ours to hang up, if the server does not (default 5 s). */
  readonly withinMs?: number;
  /** Looked at whenever something arrives: true hangs up. */
  readonly enough?: (heard: string) => boolean;
}

export interface Heard {
  readonly localPort: number;
  /** Application data. */
  readonly bytes: Buffer;
  readonly handshake: boolean;
  readonly resumed: boolean;
  readonly closedBy: 'server' | 'client';
  readonly error?: string;
}

/** Where and as whom this device calls. */
export function wire(stage: { port(door?: string): number }, { options }: Femtocell, door = 'main') {
  return { port: stage.port(door), ca: options.ca, credentials: options.credentials };
}

/** Says these bytes over TLS and listens to whatever comes, until somebody hangs up. */
export function sayOverTls(spoken: SpokenTls): Promise<Heard> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const seen = { handshake: false, resumed: false, localPort: 0, late: false };
    let error: string | undefined;
    const socket = connect(tlsOptions(spoken));
    const say = (): unknown => socket.write(spoken.bytes);
    const timer = setTimeout(() => hangUp(), spoken.withinMs ?? 5000);
    const hangUp = (): void => {
      seen.late = true;
      socket.destroy();
    };
    socket.once('connect', () => {
      seen.localPort = socket.localPort ?? 0;
    });
    socket.once('secureConnect', () => {
      seen.handshake = true;
      seen.resumed = socket.isSessionReused();
      if (spoken.when === 'after') say();
    });
    socket.on('data', (data: Buffer) => {
      parts.push(data);
      if (spoken.enough?.(Buffer.concat(parts).toString('latin1')) === true) hangUp();
    });
    socket.on('error', (cause) => {
      error ??= cause.message;
    });
    socket.once('close', () => {
      clearTimeout(timer);
      const { late, ...rest } = seen;
      resolve({
        ...rest,
        bytes: Buffer.concat(parts),
        closedBy: late ? 'client' : 'server',
        ...(error !== undefined && { error }),
      });
    });
    // Node keeps what is written now until the handshake allows it, and sends it in the flight of our Finished.
    if (spoken.when !== 'after') say();
  });
}

function tlsOptions({ port, ca, credentials, version, session }: SpokenTls): ConnectionOptions {
  return {
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca,
    // Level 0, to show weak keys and signatures too.
    ciphers: 'DEFAULT:@SECLEVEL=0',
    minVersion: version ?? 'TLSv1.2',
    maxVersion: version ?? 'TLSv1.3',
    ...(credentials !== undefined && { cert: credentials.chain, key: credentials.key }),
    ...(session !== undefined && { session }),
  };
}

/** An open TLS connection, for a client that takes its time. */
export async function openTlsSocket(spoken: Omit<SpokenTls, 'bytes'>): Promise<TLSSocket> {
  const socket = connect(tlsOptions({ ...spoken, bytes: '' }));
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  socket.off('error', () => undefined).on('error', () => undefined);
  return socket;
}

/** Plain TCP: says these bytes at once and listens until the server hangs up, or for `withinMs`. */
export function sayPlainly(port: number, bytes: string | Buffer, options: { withinMs?: number; end?: boolean } = {}) {
  return new Promise<{ localPort: number; bytes: Buffer; closedBy: 'server' | 'client' }>((resolve) => {
    const parts: Buffer[] = [];
    let localPort = 0;
    let late = false;
    const socket: Socket = createConnection({ host: '127.0.0.1', port });
    const timer = setTimeout(() => {
      late = true;
      socket.destroy();
    }, options.withinMs ?? 5000);
    socket.once('connect', () => {
      localPort = socket.localPort ?? 0;
      if (options.end === true) socket.end(bytes);
      else socket.write(bytes);
    });
    socket.on('data', (data: Buffer) => parts.push(data));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve({ localPort, bytes: Buffer.concat(parts), closedBy: late ? 'client' : 'server' });
    });
  });
}

/** One HTTP/1.1 request as text. */
export function httpRequest(
  method: string,
  path: string,
  options: { headers?: Readonly<Record<string, string>>; body?: string } = {},
): string {
  const { headers = {}, body } = options;
  const all = {
    Host: 'localhost',
    ...(body !== undefined && { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}
