import {
  type CertificateStatus,
  type RevocationReason,
  revocationReasons,
  type UnknownCause,
  unknownCauses,
} from '../x509/certificate-status.ts';
import type { RefusalReason } from './refusal.ts';

/** The operator's own list of revoked certificates: asked under every policy and under none; it never says good. */
export const operatorList = 'operator-list';

/** What one source says of one certificate. */
export interface SourceAnswer {
  /** `sourceName` of the policy's source, or `operator-list`. */
  readonly source: string;
  readonly status: CertificateStatus;
  /** What it rests on: the URL and, for what was fetched or imported, its SHA-256 and CRLNumber. */
  readonly basis?: { readonly url?: string; readonly sha256?: string; readonly number?: string };
}

export interface CertificateAnswers {
  /** Hex SHA-256 of the certificate. */
  readonly certificate: string;
  readonly role: 'end-entity' | 'ca';
  readonly answers: readonly SourceAnswer[];
}

export type VerdictCause = Extract<
  RefusalReason,
  'revoked_crl' | 'revoked_ocsp' | 'revocation_unavailable' | 'revocation_stale' | 'ocsp_unknown'
>;

/**
 * Why an admission is less than all sources saying good. grace: an answer past its time was taken; unknown: the policy
 * admits it; override: a person relaxed the policy for a time; release: a person let this certificate in for a time;
 * unchecked: there is no policy for the anchor.
 */
export type Tolerance = 'grace' | 'unknown' | 'override' | 'release' | 'unchecked';

interface VerdictBase {
  /** Of the policy; `none` where the anchor has none. */
  readonly version: string;
  /** When it must be decided anew, whatever happens until then. */
  readonly validUntil: Date;
  /** All that was heard. */
  readonly evidence: readonly CertificateAnswers[];
  readonly tolerated: readonly Tolerance[];
}

export type Verdict =
  | (VerdictBase & { readonly outcome: 'admit' })
  | (VerdictBase & {
      readonly outcome: 'quarantine' | 'deny';
      readonly cause: VerdictCause;
      /** The finer word, of `verdictDetails`: `key_compromise`, `unreachable`, … */
      readonly detail: string;
      /** Fingerprint of the certificate that it hangs on. */
      readonly certificate: string;
    });

/** `keyCompromise` and `bad-signature` as words of the audit: `key_compromise`, `bad_signature`. */
export function verdictDetail(word: RevocationReason | UnknownCause): string {
  if (word === 'cACompromise') return 'ca_compromise';
  if (word === 'aACompromise') return 'aa_compromise';
  return word.replaceAll('-', '_').replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/** Every `detail` that a verdict may have. */
export const verdictDetails: readonly string[] = [...revocationReasons, ...unknownCauses].map(verdictDetail);
