import type { DeviceIdentity } from '../fleet/identity.ts';
import type { CertificatePath } from '../x509/path.ts';
import type { StoredVerdict } from './evidence.ts';
import type { Refusal } from './refusal.ts';
import type { Verdict } from './verdict.ts';

declare const admitted: unique symbol;

/** The proof that a client passed the gate. Only `createGate` makes one; the session runner takes nothing else. */
export interface Admission {
  readonly [admitted]: true;
  readonly outcome: 'admitted';
  /** Correlates log, audit row and session. UUIDv7. */
  readonly id: string;
  /** When the gate decided. */
  readonly at: Date;
  readonly deviceId: string;
  readonly identity: DeviceIdentity;
  readonly path: CertificatePath;
  /** Hex SHA-256 of the leaf certificate. */
  readonly fingerprint: string;
  readonly handshake: HandshakeFacts;
  readonly sharedSecret: 'refuse' | 'ignore';
  /** What revocation said of the path, and the same as it is stored. */
  readonly verdict: Verdict;
  readonly evidence: StoredVerdict;
}

/** Where a connection comes from and which door it came to; known before a single byte is read. */
export interface ConnectionFacts {
  readonly connectionId: string;
  readonly listener: string;
  readonly role: 'initial' | 'serving';
  /** Anchors accepted at this door. */
  readonly anchors: readonly string[];
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly startedAt: Date;
}

/** What the TLS layer says once the handshake is done. */
export interface HandshakeFacts extends ConnectionFacts {
  readonly tlsVersion: 'TLSv1.2' | 'TLSv1.3';
  /** IANA name, e.g. TLS_AES_128_GCM_SHA256. */
  readonly cipherSuite: string;
  readonly resumed: boolean;
  readonly serverName?: string;
  /** DER, leaf first, in the order sent; the leaf alone on resumption; empty if the client sent none. */
  readonly chain: readonly Uint8Array[];
  /** OpenSSL's own verdict: undefined when it accepts the chain or on resumption, else its error code. */
  readonly secondLock?: string;
}

/** A client that never got as far as a certificate. */
export interface TlsFailure extends ConnectionFacts {
  readonly stage: 'tls';
  readonly reason:
    | 'not_tls'
    | 'protocol_version'
    | 'no_shared_cipher'
    | 'rc4_only_client'
    | 'null_only_client'
    | 'handshake_timeout'
    | 'handshake_other'
    | 'rate_limited';
  readonly detail: string;
  readonly tlsVersion?: string;
}

export interface Gate {
  /** Never throws: an error inside is a Refusal (fail closed) and a log line. */
  admit(handshake: HandshakeFacts): Promise<Admission | Refusal>;
  /** Records a client that failed before the gate. */
  refuseTls(failure: TlsFailure): void;
  /** Records a refusal of an admitted client (stage session), e.g. a shared-secret attempt or a stolen cookie. */
  refuseSession(admission: Admission, reason: SessionRefusalReason, detail: string): void;
  /** Records that an open connection no longer stands, and why; whoever holds its socket closes it. */
  withdraw(admission: Admission, why: Withdrawal): void;
  /** Admissions whose connections are open. */
  open(): Iterable<Admission>;
  /** Those of one device. */
  openOf(deviceId: string): Iterable<Admission>;
  /** The connection of an admission ended; writes its audit row if no Inform did. */
  released(admission: Admission): void;
  /** Writes what is still buffered. */
  close(): Promise<void>;
}

/** Revocation says no by now, or a certificate of the path has ended. */
export type Withdrawal =
  | (Verdict & { readonly outcome: 'quarantine' | 'deny' })
  | { readonly cause: 'cert_expired'; readonly detail: 'expired' };

export type SessionRefusalReason =
  | 'identity_conflict'
  | 'identity_mismatch'
  | 'cookie_certificate_mismatch'
  | 'shared_secret_attempt'
  | 'file_refused'
  | 'device_blocked'
  | 'device_quarantined'
  | 'device_retired'
  | 'key_held'
  | 'rate_limited';
