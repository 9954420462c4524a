/** Why a path is refused, in the closed set that audit, counters and dashboards share. */
export const pathReasons = [
  'chain_untrusted',
  'chain_incomplete',
  'cert_expired',
  'cert_not_yet_valid',
  'purpose_invalid',
  'weak_key',
  'weak_signature',
  'critical_ext_unknown',
  'profile_violation',
] as const;

export type PathReason = (typeof pathReasons)[number];

/** The finer rule; each belongs to one reason. */
export const pathDetails = {
  // No way to an anchor
  empty_chain: 'chain_untrusted',
  too_many_certificates: 'chain_untrusted',
  no_anchor: 'chain_untrusted',
  signature_invalid: 'chain_untrusted',
  budget_exhausted: 'chain_untrusted',
  issuer_missing: 'chain_incomplete',
  // The anchor itself
  anchor_not_a_ca: 'chain_untrusted',
  anchor_expired: 'chain_untrusted',
  anchor_not_yet_valid: 'chain_untrusted',
  anchor_critical_extension: 'chain_untrusted',
  // What an issuer may not do
  not_a_ca: 'chain_untrusted',
  key_cert_sign: 'chain_untrusted',
  path_length: 'chain_untrusted',
  max_depth: 'chain_untrusted',
  name_not_permitted: 'chain_untrusted',
  name_excluded: 'chain_untrusted',
  name_constraint_unsupported: 'chain_untrusted',
  policy: 'chain_untrusted',
  // Time
  expired: 'cert_expired',
  not_yet_valid: 'cert_not_yet_valid',
  // Purpose
  extended_key_usage: 'purpose_invalid',
  ca_extended_key_usage: 'purpose_invalid',
  key_usage: 'purpose_invalid',
  // Strength
  rsa_key_size: 'weak_key',
  rsa_exponent: 'weak_key',
  ec_curve: 'weak_key',
  key_algorithm: 'weak_key',
  issuer_key_strength: 'weak_key',
  signature_hash: 'weak_signature',
  signature_algorithm: 'weak_signature',
  // Extensions
  critical_extension: 'critical_ext_unknown',
  // Form
  malformed_certificate: 'profile_violation',
  profile_rule: 'profile_violation',
} as const satisfies Readonly<Record<string, PathReason>>;

export type PathDetail = keyof typeof pathDetails;

export interface PathFailure {
  readonly reason: PathReason;
  readonly detail: PathDetail;
  /** The profile's rule, where one refused. */
  readonly rule?: string;
  /** Where the rule stands, e.g. `RFC 5280 6.1.3 (a)(2)`. */
  readonly clause?: string;
  /** Hex SHA-256 of the certificate that it is about. */
  readonly fingerprint?: string;
  /** RFC 4514, escaped; of the certificate that it is about. */
  readonly subject?: string;
  /** The anchor that the path led to, where it led to one. */
  readonly anchor?: string;
  /** Every signature up to that anchor is good: whoever this is, a CA of the operator's knows it. */
  readonly signaturesVerified: boolean;
  /** One line for people; strangers' characters escaped. */
  readonly message: string;
}

/** A finding of a rule that only warns. */
export interface PathWarning {
  readonly rule: string;
  readonly clause: string;
  /** Hex SHA-256 of the certificate that it is about. */
  readonly fingerprint: string;
  readonly message: string;
}
