import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { peerChain } from '../platform/peer-chain.ts';
import { causeOf, type FailureCause } from './tls-failure.ts';
import type { TlsPolicy } from './tls-profile.ts';

/** A finished handshake: what the gate judges, and a socket whose application data nobody has looked at. */
export interface Secured {
  readonly kind: 'secured';
  readonly socket: TLSSocket;
  readonly tlsVersion: 'TLSv1.2' | 'TLSv1.3';
  /** IANA name. */
  readonly cipherSuite: string;
  readonly resumed: boolean;
  readonly serverName?: string;
  /** DER, leaf first, in the order sent; the leaf alone on resumption. */
  readonly chain: readonly Uint8Array[];
  /** OpenSSL's objection; undefined when it has none, and on resumption, where it would only repeat an old verdict. */
  readonly secondLock?: string;
}

export type HandshakeOutcome = Secured | ({ readonly kind: 'failed'; readonly code?: string } & FailureCause);

/** The path judge reads no more than this either; one above shows it that there were more. */
const mostCertificates = 101;

/** What Node's TLS server itself asks OpenSSL; an engine that cannot be asked objects. */
function openSslObjection(socket: TLSSocket): string | undefined {
  const engine = (socket as { ssl?: { verifyError?: () => (Error & { code?: string }) | null | undefined } }).ssl;
  if (typeof engine?.verifyError !== 'function') return 'VERDICT_UNREADABLE';
  const error = engine.verifyError();
  return error === null || error === undefined ? undefined : (error.code ?? 'UNSPECIFIED');
}

/** On resumption the session brings version and suite along: they are judged again, like everything else. */
function settled(socket: TLSSocket, policy: TlsPolicy): HandshakeOutcome {
  const tlsVersion = socket.getProtocol();
  const cipherSuite = socket.getCipher().standardName;
  const resumed = socket.isSessionReused();
  const knownVersion = tlsVersion === 'TLSv1.2' || tlsVersion === 'TLSv1.3';
  if (!knownVersion || !policy.suiteNames.has(cipherSuite))
    return { kind: 'failed', reason: 'handshake_other', detail: 'unspecified', code: 'OUTSIDE_PROFILE' };
  const serverName = (socket as { servername?: string | false | null }).servername;
  const secondLock = resumed ? undefined : openSslObjection(socket);
  return {
    kind: 'secured',
    socket,
    tlsVersion,
    cipherSuite,
    resumed,
    chain: peerChain(socket, mostCertificates),
    ...(typeof serverName === 'string' ? { serverName } : {}),
    ...(secondLock === undefined ? {} : { secondLock }),
  };
}

/**
 * RFC 6066 8, RFC 8446 4.4.2.1. Node's own way, `OCSPRequest`, belongs to a tls.Server and names the wrong certificate where
 * there are two; underneath it is this. Without it the handshake goes on without a staple.
 */
function attachStaple(socket: TLSSocket, staple: Buffer): void {
  const engine = (socket as { ssl?: { setOCSPResponse?: (staple: Buffer) => void } }).ssl;
  engine?.setOCSPResponse?.(staple);
}

/**
 * Runs the TLS handshake on a socket whose first bytes were read. Never throws. What the client sends behind its
 * Finished stays in the TLS socket, bounded by its high-water mark, until somebody reads it. The caller bounds the time
 * by destroying the TCP socket, which settles this with `client_gave_up`. A staple goes to a client that asks for one.
 */
export function performHandshake(
  socket: Socket,
  flight: Buffer,
  context: SecureContext,
  policy: TlsPolicy,
  staple?: Buffer,
): Promise<HandshakeOutcome> {
  return new Promise((resolve) => {
    socket.pause();
    socket.unshift(flight);
    // A client without a certificate, or with a bad one, must come as far as the gate: there it is refused by name.
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      requestCert: true,
      rejectUnauthorized: false,
    });
    if (staple !== undefined) attachStaple(tls, staple);
    let failure: (Error & { code?: string }) | undefined;
    const failed = (): void => {
      const code = failure?.code;
      resolve({ kind: 'failed', ...(code === undefined ? {} : { code }), ...causeOf(code) });
    };
    // Before the handshake is done Node reports its errors by this event alone; after it, only this one leaves the
    // connection open.
    tls.on('_tlsError', (error: Error & { code?: string }) => {
      failure ??= error;
      if (!tls.destroyed) tls.destroy();
    });
    tls.on('error', (error: Error & { code?: string }) => {
      failure ??= error;
    });
    // A half-open client would hold its place until the time is up.
    const ended = (): unknown => tls.destroy();
    tls.once('end', ended);
    tls.once('close', failed);
    tls.once('secure', () => {
      tls.off('end', ended);
      tls.off('close', failed);
      const outcome = settled(tls, policy);
      if (outcome.kind === 'failed') tls.destroy();
      resolve(outcome);
    });
  });
}
