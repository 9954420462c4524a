/**
 * What one source of revocation data says of one certificate. A source reports; `trust`'s policy decides.
 * "Unknown" is an answer of its own, with a cause: neither good nor revoked (RFC 5280 6.3.3 UNDETERMINED; RFC 6960 2.2).
 */
export type CertificateStatus =
  | { readonly kind: 'good'; readonly thisUpdate: Date; readonly nextUpdate?: Date }
  | {
      readonly kind: 'revoked';
      readonly revokedAt: Date;
      readonly reason: RevocationReason;
      readonly thisUpdate: Date;
      readonly nextUpdate?: Date;
    }
  | { readonly kind: 'unknown'; readonly cause: UnknownCause; readonly detail?: string };

/** RFC 5280 5.3.1, without removeFromCRL, which takes an entry back. */
export const revocationReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const;

export type RevocationReason = (typeof revocationReasons)[number];

/** Why a source could not say good or revoked: a closed set, told in audit rows and metrics. */
export const unknownCauses = [
  'no-pointer',
  'unreachable',
  'not-fetched',
  'too-large',
  'malformed',
  'stale',
  'not-yet-valid',
  'bad-signature',
  'weak-signature',
  'unauthorized-signer',
  'out-of-scope',
  'reasons-incomplete',
  'critical-extension',
  'number-rollback',
  'nonce-mismatch',
  'responder-unavailable',
  'responder-unknown',
] as const;

export type UnknownCause = (typeof unknownCauses)[number];
