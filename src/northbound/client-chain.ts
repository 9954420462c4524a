import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { peerChain } from '../platform/peer-chain.ts';

const chains = new WeakMap<Socket, readonly Uint8Array[]>();

/** A judge reads fewer; one above shows that there were more. */
const mostCertificates = 11;

/**
 * TLS options of a door that asks for client certificates and judges them itself. Without any CA OpenSSL never finds
 * one good, for of good ones Node would keep the leaf alone. A ticket would bring a session without its chain.
 */
export const clientCertificateOptions = {
  requestCert: true,
  rejectUnauthorized: false,
  ca: [],
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/** Remembers what every client sends: Node hands the chain out once. */
export function keepChains(server: Server): void {
  server.on('secureConnection', (socket: TLSSocket) => {
    const chain = peerChain(socket, mostCertificates);
    if (chain.length > 0) chains.set(socket, chain);
  });
}

/** DER, the leaf first; undefined: none was shown. */
export function chainOf(socket: Socket): readonly Uint8Array[] | undefined {
  return chains.get(socket);
}
