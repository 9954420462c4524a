import { fileRefusals } from '../fleet/files/file-visit.ts';
import { informRefusalDetails } from '../fleet/informs.ts';
import { pathDetails } from '../x509/path-failure.ts';
import { identityDetails } from './identity.ts';
import { secondLockDetail, secondLockErrors } from './second-lock.ts';
import { verdictDetails } from './verdict.ts';

/** The register's finer reasons. */
const deviceDetails = [
  'not_registered',
  /** A new record would have been the one too many of this hour. */
  'registration_rate',
  'oui_not_listed',
  'registered_in_quarantine',
  'awaits_approval',
  'blocked',
  'retired',
  /** Another device took its place. */
  'replaced',
  /** The device has come with an identity of the operator's PKI since. */
  'enrolled_with_operator',
  'new_key',
  /** The anchor's policy refuses new keys outright. */
  'new_key_refused',
  'key_awaits_approval',
  'key_turned_away',
] as const;

export type DeviceDetail = (typeof deviceDetails)[number];

/** Where the fault is ours: the client is refused because nobody could judge it. */
const internalDetails = ['internal_error', 'database_unavailable'] as const;

export type InternalDetail = (typeof internalDetails)[number];

/** The doors' words, for clients that never got to a certificate and for admitted ones that misbehaved. */
export const doorDetails = [
  'not_tls',
  'plain_http',
  'ssl_2',
  'malformed_client_hello',
  'protocol_too_old',
  'no_common_suite',
  'no_common_group',
  'no_common_signature_algorithm',
  'rc4_only',
  'null_only',
  'no_client_hello',
  'handshake_incomplete',
  'handshake_failed',
  'client_gave_up',
  'client_alert',
  'proof_of_possession',
  'early_data',
  'renegotiation',
  'too_many_failures',
  'too_many_handshakes',
  'too_many_connections',
  'too_many_sessions',
  'authorization_basic',
  'authorization_digest',
  'authorization_other',
  'cookie_of_another_certificate',
  'cookie_of_another_device',
  'unspecified',
] as const;

/** `detail` of a refusal: closed, so that it can be counted and filtered by; `unspecified` stands for any other word. */
export const refusalDetails: ReadonlySet<string> = new Set<string>([
  ...Object.keys(pathDetails),
  ...secondLockErrors.map(secondLockDetail),
  ...identityDetails,
  ...deviceDetails,
  ...informRefusalDetails,
  ...fileRefusals,
  ...internalDetails,
  ...doorDetails,
  ...verdictDetails,
  'operator_list',
]);

export function closedDetail(detail: string): string {
  return refusalDetails.has(detail) ? detail : 'unspecified';
}
