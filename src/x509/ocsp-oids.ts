/** Object identifiers of OCSP (RFC 6960, RFC 9654, RFC 6962 3.3). */
export const ocspOids = {
  basic: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  crlReferences: '1.3.6.1.5.5.7.48.1.3',
  noCheck: '1.3.6.1.5.5.7.48.1.5',
  archiveCutoff: '1.3.6.1.5.5.7.48.1.6',
  extendedRevoke: '1.3.6.1.5.5.7.48.1.9',
  signedCertificateTimestamps: '1.3.6.1.4.1.11129.2.4.5',
  invalidityDate: '2.5.29.24',
} as const;
