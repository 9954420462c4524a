import { strangersText } from '../fleet/strangers-text.ts';
import type { CertificateStatus } from '../x509/certificate-status.ts';
import type { Verdict } from './verdict.ts';

/** A verdict as it is kept with the decision: enough to explain it years later, without what can be looked up. */
export interface StoredVerdict {
  readonly outcome: Verdict['outcome'];
  readonly version: string;
  readonly validUntil: string;
  readonly tolerated: readonly string[];
  readonly cause?: string;
  readonly detail?: string;
  readonly certificate?: string;
  readonly asked: readonly {
    readonly certificate: string;
    readonly role: 'end-entity' | 'ca';
    readonly answers: readonly StoredAnswer[];
  }[];
}

export interface StoredAnswer {
  readonly source: string;
  readonly kind: CertificateStatus['kind'];
  readonly cause?: string;
  readonly detail?: string;
  readonly thisUpdate?: string;
  readonly nextUpdate?: string;
  readonly revokedAt?: string;
  readonly reason?: string;
  readonly url?: string;
  readonly sha256?: string;
  readonly number?: string;
}

export function evidenceOf(verdict: Verdict): StoredVerdict {
  const { outcome, version, validUntil, tolerated, evidence } = verdict;
  return {
    outcome,
    version,
    validUntil: validUntil.toISOString(),
    tolerated,
    ...(verdict.outcome !== 'admit' && {
      cause: verdict.cause,
      detail: verdict.detail,
      certificate: verdict.certificate,
    }),
    asked: evidence.map(({ certificate, role, answers }) => ({
      certificate,
      role,
      answers: answers.map(({ source, status, basis }) => ({ source, ...storedStatus(status), ...basis })),
    })),
  };
}

function storedStatus(status: CertificateStatus): Omit<StoredAnswer, 'source'> {
  if (status.kind === 'unknown') {
    const { kind, cause, detail } = status;
    // A detail may quote what a stranger's server said.
    return { kind, cause, ...(detail !== undefined && { detail: strangersText(detail, 300) }) };
  }
  const { kind, thisUpdate, nextUpdate } = status;
  const times = { thisUpdate: isoTime(thisUpdate), ...(nextUpdate && { nextUpdate: isoTime(nextUpdate) }) };
  if (kind === 'good') return { kind, ...times };
  return { kind, ...times, revokedAt: isoTime(status.revokedAt), reason: status.reason };
}

/** Of a time that a certificate authority wrote; a year beyond what ISO has stays what it is. */
function isoTime(at: Date): string {
  return Number.isFinite(at.getTime()) ? at.toISOString() : 'invalid';
}
