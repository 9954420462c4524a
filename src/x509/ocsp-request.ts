import { constructed, tags } from './der.ts';
import { encode, encodeOid, encodeSequence } from './der-encoding.ts';
import { type CertId, writeCertId } from './ocsp-cert-id.ts';
import { ocspOids } from './ocsp-oids.ts';

/** Octets of a nonce that is sent (RFC 9654 2.1: at least 32, which every responder takes). */
export const nonceOctets = 32;

/**
 * An OCSPRequest (RFC 6960 4.1.1) of version 1 for one certificate, unsigned. A nonce is `nonceOctets` random octets
 * that the caller drew and keeps, to hold the answer against.
 */
export function writeOcspRequest(certId: CertId, nonce?: Uint8Array): Uint8Array {
  if (nonce !== undefined && nonce.length !== nonceOctets) throw new RangeError(`a nonce has ${nonceOctets} octets`);
  const requestList = encodeSequence(encodeSequence(writeCertId(certId)));
  const extensions = nonce === undefined ? [] : [encode(constructed(2), encodeSequence(nonceExtension(nonce)))];
  return encodeSequence(encodeSequence(requestList, ...extensions));
}

/** RFC 9654 2.1: an OCTET STRING inside the OCTET STRING. */
function nonceExtension(nonce: Uint8Array): Uint8Array {
  return encodeSequence(encodeOid(ocspOids.nonce), encode(tags.octetString, encode(tags.octetString, nonce)));
}
