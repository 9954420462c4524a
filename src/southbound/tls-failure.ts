import type { TlsFailure } from '../trust/admission.ts';
import type { doorDetails } from '../trust/refusal-details.ts';

/** The finer reasons that a door may give. */
export type DoorDetail = (typeof doorDetails)[number];

export interface FailureCause {
  readonly reason: TlsFailure['reason'];
  readonly detail: DoorDetail;
}

/** OpenSSL's words, as Node puts them into `code`, for what happens before a verdict. First match. */
const causes: readonly (readonly [pattern: RegExp, reason: TlsFailure['reason'], detail: DoorDetail])[] = [
  [/ALERT_/, 'handshake_other', 'client_alert'],
  [/NO_SHARED_CIPHER/, 'no_shared_cipher', 'no_common_suite'],
  [/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|INAPPROPRIATE_FALLBACK/, 'protocol_version', 'protocol_too_old'],
  [/HTTP_REQUEST|HTTPS_PROXY/, 'not_tls', 'plain_http'],
  [/NO_SUITABLE_(KEY_SHARE|GROUPS)|NO_SHARED_GROUPS?|WRONG_CURVE/, 'handshake_other', 'no_common_group'],
  [
    /NO_SUITABLE_SIGNATURE_ALGORITHM|NO_SHARED_SIGNATURE_ALGORITHMS|WRONG_SIGNATURE_(TYPE|SIZE)/,
    'handshake_other',
    'no_common_signature_algorithm',
  ],
  [/BAD_SIGNATURE|MISSING_.*VERIFY|DIGEST_CHECK_FAILED/, 'handshake_other', 'proof_of_possession'],
  [/RENEGOTIATION/, 'handshake_other', 'renegotiation'],
  [/ECONNRESET|EPIPE|UNEXPECTED_EOF/, 'handshake_other', 'client_gave_up'],
];

/** Names a handshake that OpenSSL broke off; undefined code: the client closed the connection. */
export function causeOf(code: string | undefined): FailureCause {
  if (code === undefined) return { reason: 'handshake_other', detail: 'client_gave_up' };
  const found = causes.find(([pattern]) => pattern.test(code));
  if (found === undefined) return { reason: 'handshake_other', detail: 'handshake_failed' };
  return { reason: found[1], detail: found[2] };
}

/** RFC 8446 6: a fatal alert as a record of its own, for a client that never needs to meet OpenSSL. */
export function fatalAlert(description: 'handshake_failure' | 'protocol_version', offered: number): Buffer {
  const record = Math.min(Math.max(offered, 0x0300), 0x0303);
  return Buffer.of(0x15, record >> 8, record & 0xff, 0, 2, 2, description === 'handshake_failure' ? 40 : 70);
}

const methods = /^(GET|PUT|POST|HEAD|TRACE|PATCH|DELETE|OPTIONS|CONNECT|PRI) /;

/** What speaks where TLS should; the bytes are looked at and never answered. */
export function notTlsDetail(flight: Buffer): DoorDetail {
  return methods.test(flight.toString('latin1', 0, 8)) ? 'plain_http' : 'not_tls';
}
