import type { TLSSocket } from 'node:tls';

/**
 * What the other side has sent, DER, the leaf first, by the issuer links, which are the order sent; at most so many. Node
 * hands it out once per handshake: later readers, Node's own handler among them, find the leaf alone.
 */
export function peerChain(socket: TLSSocket, most: number): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < most) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}
