import type { EgressRequest } from '../../platform/egress/egress-request.ts';
import { type Certificate, parseCertificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';
import type { RevocationSource } from '../revocation-policy.ts';
import { egressOf } from './source-urls.ts';

/** `timeout` in milliseconds. */
export function crlRequest(
  source: RevocationSource,
  { url, maxBytes, timeout }: Pick<EgressRequest, 'url' | 'maxBytes' | 'timeout'>,
): EgressRequest {
  const policy = egressOf(source);
  return { purpose: 'crl', url, method: 'GET', policy, accept: 'application/pkix-crl', maxBytes, timeout };
}

/** Who may have signed what a source serves, by the operator's word. */
export function signersOf({ signer }: RevocationSource): readonly Certificate[] {
  return signer === undefined ? [] : readPem(signer, 'CERTIFICATE').map((der) => parseCertificate(der));
}
