import type { Certificate } from './certificate.ts';
import type { CertificateStatus, UnknownCause } from './certificate-status.ts';
import type { CertificateList } from './crl.ts';
import type { CertificatePath } from './path.ts';
import type { PathAnchor } from './path-anchor.ts';
import type { PathCache } from './path-cache.ts';

/** What `judgeByCrls` is asked: the status of one certificate of a path that `judgePath` found good. */
export interface CrlQuestion {
  readonly path: CertificatePath;
  /** Which certificate of the path: 0 the leaf, 1 the CA that issued it, and so on; never the anchor. 0 when absent. */
  readonly index?: number;
  /** Every CRL at hand: complete, delta, indirect, of any issuer, in any order. Those that do not fit are passed over. */
  readonly crls: readonly CertificateList[];
  /** The anchors that the path was judged with: a CRL counts only under the same anchor as the certificate. */
  readonly anchors: readonly PathAnchor[];
  /** Certificates that may have signed CRLs or issued such signers: what the peer sent, the operator gave, came along. */
  readonly signers?: readonly Certificate[];
  readonly at: Date;
  readonly options?: Partial<CrlOptions>;
  readonly cache?: PathCache;
}

/** Times in milliseconds. */
export interface CrlOptions {
  /** How far in the future thisUpdate may lie. */
  readonly clockSkew: number;
  /** How long after nextUpdate a CRL still counts. */
  readonly grace: number;
  /** Longest time since thisUpdate, whatever nextUpdate says; Infinity for no limit. */
  readonly maxAge: number;
  /** The same where nextUpdate is missing (RFC 5280 5.1.2.5 makes it mandatory). */
  readonly maxAgeWithoutNextUpdate: number;
  /** Whether a CRL signed with SHA-1 counts; MD5 never does. */
  readonly allowSha1: boolean;
  /** RFC 5280 6.3.1 (b). */
  readonly useDeltas: boolean;
  /**
   * A certificate that signs CRLs and is no part of the path may be revoked itself. `good`: CRLs must say it is not.
   * `not-revoked`: it counts unless CRLs say that it is revoked.
   */
  readonly signerStatus: 'good' | 'not-revoked';
}

export const defaultCrlOptions: CrlOptions = {
  clockSkew: 5 * 60_000,
  grace: 0,
  maxAge: Number.POSITIVE_INFINITY,
  maxAgeWithoutNextUpdate: 24 * 3_600_000,
  allowSha1: false,
  useDeltas: true,
  signerStatus: 'good',
};

export interface CrlAnswer {
  /**
   * Good and revoked come with the oldest thisUpdate and the earliest nextUpdate of the CRLs it rests on; the answer
   * holds until that nextUpdate (and the grace) at most.
   */
  readonly status: CertificateStatus;
  /** What became of each CRL that has to do with the certificate, at most some dozens. */
  readonly reports: readonly CrlReport[];
}

export interface CrlReport {
  readonly crl: CertificateList;
  /** `delta` where the CRL was used to update another one. */
  readonly use: 'complete' | 'delta' | 'not-used';
  /** Why it was not used, or why it cannot say "good". */
  readonly cause?: UnknownCause;
  /** One line for people. */
  readonly detail?: string;
}
