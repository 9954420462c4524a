import { isIP, type LookupFunction } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import { peerChain } from '../peer-chain.ts';
import type { EgressTls } from './egress-request.ts';

/** The caller does not take the server's certificate; its message says why. */
export class CertificateNotTaken extends Error {
  override readonly name = 'CertificateNotTaken';
}

/** More than any path has; what a server sends beyond is not read. */
const mostCertificates = 16;

/**
 * Connects with a certificate of ours and hands the socket out only once the caller has taken the server's chain: before
 * that no octet of a request is written. OpenSSL's opinion of the chain is not asked for, for it knows other anchors.
 */
export function judgedConnector(
  tls: EgressTls,
  lookup: LookupFunction,
  signal: AbortSignal,
): ReturnType<typeof buildConnector> {
  return ({ hostname, port }, callback) => {
    const socket = open(tls, lookup, hostname, Number(port === '' ? 443 : port));
    let settled = false;
    const settle = (error: Error | null): void => {
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', aborted);
      socket.off('error', settle);
      if (error === null) callback(null, socket);
      else {
        socket.on('error', () => undefined).destroy();
        callback(error, null);
      }
    };
    const aborted = (): void => settle(new CertificateNotTaken('no handshake in time'));
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('error', settle);
    socket.once('close', () => settle(new Error('closed during the handshake')));
    socket.once('secureConnect', () => {
      tls.judge(peerChain(socket, mostCertificates)).then(
        (fault) => settle(fault === undefined ? null : new CertificateNotTaken(fault)),
        (error: unknown) => settle(error instanceof Error ? error : new Error(String(error))),
      );
    });
  };
}

function open({ chain, key }: EgressTls, lookup: LookupFunction, hostname: string, port: number): TLSSocket {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return connect({
    ...{ host, port, lookup, cert: chain, key },
    // TS 33.310 6.2: no older version.
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 && { servername: host }),
  });
}
