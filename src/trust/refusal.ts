import type { DeviceIdentity } from '../fleet/identity.ts';
import { pathReasons } from '../x509/path-failure.ts';

/**
 * Why a client was not let in. `reason` is the stable enum that dashboards, alerts and the OSS rely on (closed set);
 * `detail` names the finer rule (closed set too: `refusalDetails`).
 */
export const refusalReasons = [
  // tls
  'not_tls',
  'protocol_version',
  'no_shared_cipher',
  'rc4_only_client',
  'null_only_client',
  'handshake_timeout',
  'handshake_other',
  'rate_limited',
  // path
  'no_client_cert',
  ...pathReasons,
  'second_lock',
  // identity
  'identity_missing',
  'identity_ambiguous',
  'realm_not_permitted',
  // revocation
  'revoked_crl',
  'revoked_ocsp',
  'revocation_unavailable',
  'revocation_stale',
  'ocsp_unknown',
  // device
  'device_unknown',
  'device_blocked',
  'device_quarantined',
  'device_retired',
  'key_held',
  'identity_superseded',
  // session
  'identity_conflict',
  'identity_mismatch',
  'cookie_certificate_mismatch',
  'shared_secret_attempt',
  'file_refused',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

export type RefusalStage = 'tls' | 'path' | 'identity' | 'revocation' | 'device' | 'session';

/** known: a verified identity of the register; trusted-chain: path verified, identity not ours; stranger: the rest. */
export type Peer = 'known' | 'trusted-chain' | 'stranger';

export interface Refusal {
  readonly outcome: 'refused';
  /** Of the audit row. UUIDv7. */
  readonly id: string;
  readonly stage: RefusalStage;
  readonly reason: RefusalReason;
  /** A word of `refusalDetails` that names the finer rule, e.g. `path_length`, `new_key`. */
  readonly detail: string;
  readonly peer: Peer;
  readonly identity?: DeviceIdentity;
  readonly deviceId?: string;
}
