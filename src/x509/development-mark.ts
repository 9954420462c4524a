import type { Certificate } from './certificate.ts';
import { findExtension } from './extensions.ts';

/**
 * A non-critical extension (value: NULL) that every CA certificate of the development PKI carries. An OID under 2.25
 * is a UUID (ITU-T X.667), so that it can be nobody else's.
 */
export const DEVELOPMENT_MARK_OID = '2.25.276677058531310450509184771004581008032';

/** Whether a certificate belongs to the development PKI, which only a development server on loopback may trust. */
export function isDevelopmentCertificate(certificate: Certificate): boolean {
  return findExtension(certificate.extensions, DEVELOPMENT_MARK_OID) !== undefined;
}
