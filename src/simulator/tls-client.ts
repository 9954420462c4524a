import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** What a client shows of itself: nothing, or a chain with its key. PEM. */
export interface ClientCredentials {
  readonly chain: string;
  readonly key: string;
}

export interface TlsTarget {
  readonly url: URL;
  /** PEM of the CA by which the H(e)MS is trusted; its name is always checked (TS 33.320 8.3.2.1). */
  readonly ca: string;
}

export interface TlsChoices {
  /** Both versions by default. */
  readonly version?: TlsVersion;
  /** OpenSSL cipher string for TLS 1.2. */
  readonly ciphers?: string;
  /** A session to resume. */
  readonly session?: Buffer;
  readonly timeoutMs?: number;
}

export interface OpenTls {
  readonly kind: 'open';
  readonly socket: TLSSocket;
  readonly localPort: number;
  readonly tlsVersion: string;
  /** IANA name. */
  readonly cipherSuite: string;
  readonly resumed: boolean;
}

export interface FailedTls {
  readonly kind: 'failed';
  /** Absent when TCP itself failed. */
  readonly localPort?: number;
  /** Number of the alert received. */
  readonly alert?: number;
  readonly error: string;
  /** The device ended it: it lost its patience, or does not trust the H(e)MS. */
  readonly byDevice: boolean;
}

/** Alert numbers that a gate sends (RFC 8446 6.2), by name. */
export const alertNames: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  109: 'missing_extension',
  112: 'unrecognized_name',
  116: 'certificate_required',
};

/** OpenSSL names a received alert in its error text only. */
export function alertOf(error: Error): number | undefined {
  const found = /SSL alert number (\d+)/.exec(error.message);
  return found === null ? undefined : Number(found[1]);
}

/** Codes of errors with which Node refuses the server's certificate. */
const distrust = /^(ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_PURPOSE)/;

/** Opens a connection as a femtocell does. `onSession` is told of every session the ACS offers for resumption. */
export async function openTls(
  target: TlsTarget,
  credentials: ClientCredentials | undefined,
  choices: TlsChoices,
  onSession: (session: Buffer) => void,
): Promise<OpenTls | FailedTls> {
  const timeoutMs = choices.timeoutMs ?? 20_000;
  const tcp = await openTcp(target.url, timeoutMs);
  if ('kind' in tcp) return tcp;
  const localPort = tcp.localPort ?? 0;
  return new Promise((resolve) => {
    const settle = (result: OpenTls | FailedTls): void => {
      clearTimeout(timer);
      socket.off('error', fail).off('close', closed).off('secureConnect', done);
      // Whoever reads the socket next listens for errors; one in between must not end the process.
      socket.on('error', () => undefined);
      resolve(result);
    };
    const fail = (error: Error): void => {
      const alert = alertOf(error);
      settle({
        kind: 'failed',
        localPort,
        error: error.message,
        byDevice: error === late || distrust.test((error as NodeJS.ErrnoException).code ?? ''),
        ...(alert === undefined ? {} : { alert }),
      });
      socket.destroy();
    };
    const closed = (): void => fail(new Error('closed during the handshake'));
    const done = (): void => settle(opened(socket, localPort));
    const late = new Error(`no handshake within ${timeoutMs} ms`);
    const timer = setTimeout(() => fail(late), timeoutMs);
    const socket = connectTls({ ...clientOptions(target, credentials, choices), socket: tcp });
    socket.on('session', onSession).on('error', fail).on('close', closed).on('secureConnect', done);
  });
}

function opened(socket: TLSSocket, localPort: number): OpenTls {
  return {
    kind: 'open',
    socket,
    localPort,
    tlsVersion: socket.getProtocol() ?? '',
    cipherSuite: socket.getCipher().standardName,
    resumed: socket.isSessionReused(),
  };
}

function clientOptions(
  target: TlsTarget,
  credentials: ClientCredentials | undefined,
  choices: TlsChoices,
): ConnectionOptions {
  const host = bareHost(target.url);
  return {
    host,
    ca: target.ca,
    // Level 0 so that a device may show a 1024-bit key or an SHA-1 signature: judging it is the ACS's business.
    ciphers: `${choices.ciphers ?? 'DEFAULT'}:@SECLEVEL=0`,
    minVersion: choices.version ?? 'TLSv1.2',
    maxVersion: choices.version ?? 'TLSv1.3',
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(credentials === undefined ? {} : { cert: credentials.chain, key: credentials.key }),
    ...(choices.session === undefined ? {} : { session: choices.session }),
  };
}

const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** A plain TCP connection to the host and port of a URL. */
export function openTcp(url: URL, timeoutMs: number): Promise<Socket | FailedTls> {
  return new Promise((resolve) => {
    const port = Number(url.port === '' ? 443 : url.port);
    const socket = connectTcp({ host: bareHost(url), port, noDelay: true });
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      resolve({ kind: 'failed', error: error.message, byDevice: false });
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
