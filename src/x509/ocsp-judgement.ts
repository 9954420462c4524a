import type { Certificate } from './certificate.ts';
import type { CertificateStatus, UnknownCause } from './certificate-status.ts';
import { DerError, sameBytes } from './der.ts';
import { namesEqual } from './name.ts';
import { type CertId, type CertIdHash, certIdOf, sameCertId } from './ocsp-cert-id.ts';
import { nonceOf, unknownCritical } from './ocsp-extensions.ts';
import {
  type BasicOcspResponse,
  type OcspResponse,
  type OcspResponseStatus,
  parseOcspResponse,
} from './ocsp-response.ts';
import { findSigner, type OcspSigner, type SignerRules } from './ocsp-signer.ts';
import type { SingleResponse } from './ocsp-single-response.ts';

/** Whom an answer must be about: a certificate, and the CA that issued it, trusted as it is. */
export interface OcspSubject {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

/** What the operator demands of an answer; times in milliseconds. */
export interface OcspRules extends Omit<SignerRules, 'at'> {
  /** Oldest thisUpdate. Undefined: anything until nextUpdate, and an hour for an answer without one. */
  readonly maxAge: number | undefined;
  /** How long an answer past its time is still reported as what it says: whoever decides sees its times. */
  readonly grace: number;
  /** How far clocks may be apart. */
  readonly skew: number;
  /** The nonce that was sent, and whether an answer without one counts. Undefined: none was sent. */
  readonly nonce: { readonly sent: Uint8Array; readonly mode: 'prefer' | 'require' } | undefined;
}

/** What hems demands where nobody says otherwise. */
export const defaultOcspRules: OcspRules = {
  maxAge: undefined,
  grace: 0,
  skew: 5 * 60_000,
  nonce: undefined,
  sha1: 'refuse',
  configured: [],
  unmarkedDelegates: 'refuse',
  issuerValidity: 'check',
};

export interface OcspJudgement {
  readonly status: CertificateStatus;
  /** Until when the status may be used: nextUpdate, or the oldest age that is allowed. */
  readonly validUntil?: Date;
  readonly producedAt?: Date;
  /** Of an answer without signature. */
  readonly responseStatus?: Exclude<OcspResponseStatus, 'successful'>;
  /** Also there where only the word on the signer's own revocation is missing: ask, then judge anew. */
  readonly signer?: OcspSigner;
}

/** RFC 6960 4.2.2.1: without nextUpdate newer information is available all the time. */
export const maxAgeWithoutNextUpdate = 60 * 60_000;

const unknown = (cause: UnknownCause, detail: string): CertificateStatus => ({ kind: 'unknown', cause, detail });

/**
 * Judges one OCSPResponse in full (RFC 6960 3.2, 4.2.2): never throws, and says good only if every rule holds. An error
 * status (unsigned: anybody can say it) is `responder-unavailable`.
 */
export function judgeOcspResponse(der: Uint8Array, subject: OcspSubject, rules: OcspRules, at: Date): OcspJudgement {
  let response: OcspResponse;
  try {
    response = parseOcspResponse(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { status: unknown('malformed', error.message) };
  }
  if (response.status !== 'successful')
    return {
      status: unknown('responder-unavailable', `the responder says ${response.status}`),
      responseStatus: response.status,
    };
  return judgeBasic(response, subject, rules, at);
}

function judgeBasic(response: BasicOcspResponse, subject: OcspSubject, rules: OcspRules, at: Date): OcspJudgement {
  const { producedAt } = response;
  // The name in the certificate and the key of the CA make the CertID together: they must belong to one CA.
  if (!namesEqual(subject.certificate.issuer, subject.issuer.subject))
    return { status: unknown('out-of-scope', 'the certificate names another issuer than the CA given'), producedAt };
  const found = findSigner(response, subject.issuer, { ...rules, at });
  const signer = found.signer === undefined ? {} : { signer: found.signer };
  if (!found.ok) return { status: unknown(found.fault, found.detail), producedAt, ...signer };
  const fault = answerFault(response, rules, at);
  if (fault !== undefined) return { status: fault, producedAt, ...signer };
  return { ...judgeSingles(response, subject, rules, at), producedAt, ...signer };
}

/** What is wrong with the answer as a whole. */
function answerFault(response: BasicOcspResponse, rules: OcspRules, at: Date): CertificateStatus | undefined {
  const critical = unknownCritical(response.extensions, 'response');
  if (critical !== undefined) return unknown('critical-extension', `the answer has the critical extension ${critical}`);
  // Written so that a time that is no time (NaN) is refused.
  if (!(response.producedAt.getTime() <= at.getTime() + rules.skew))
    return unknown('not-yet-valid', `produced at ${response.producedAt.toISOString()}, which is to come`);
  return nonceFault(response, rules);
}

/** RFC 9654 2.1: a nonce that was sent comes back as it was; who has pre-made answers sends none. */
function nonceFault({ extensions }: BasicOcspResponse, { nonce }: OcspRules): CertificateStatus | undefined {
  if (nonce === undefined) return undefined;
  const got = nonceOf(extensions);
  if (got === undefined)
    return nonce.mode === 'require' ? unknown('nonce-mismatch', 'the answer has no nonce') : undefined;
  return sameBytes(got, nonce.sent) ? undefined : unknown('nonce-mismatch', 'the answer has another nonce');
}

function judgeSingles(response: BasicOcspResponse, subject: OcspSubject, rules: OcspRules, at: Date): OcspJudgement {
  const singles = matching(response.responses, subject);
  const single = worstOf(singles);
  if (single === undefined) return { status: unknown('out-of-scope', 'the answer is about other certificates') };
  const critical = singles.flatMap(({ extensions }) => unknownCritical(extensions, 'single') ?? [])[0];
  if (critical !== undefined)
    return { status: unknown('critical-extension', `the answer has the critical extension ${critical}`) };
  const validUntil = validUntilOf(single, rules);
  const fault = timeFault(single, validUntil, rules, at);
  if (fault !== undefined) return { status: fault };
  const { status, thisUpdate, nextUpdate } = single;
  // RFC 6960 2.2: "unknown" is neither good nor revoked.
  if (status.kind === 'unknown')
    return { status: unknown('responder-unknown', 'the responder does not know the certificate'), validUntil };
  return { status: { ...status, thisUpdate, ...(nextUpdate === undefined ? {} : { nextUpdate }) }, validUntil };
}

/** RFC 6960 3.2 (1): by the hash function of each, since a responder may answer for several. */
function matching(singles: readonly SingleResponse[], { certificate, issuer }: OcspSubject): SingleResponse[] {
  const ids = new Map<CertIdHash, CertId>();
  return singles.filter(({ certId }) => {
    if (certId.hash === undefined || certId.serialNumber !== certificate.serialNumber) return false;
    const own = ids.get(certId.hash) ?? certIdOf(certificate, issuer, certId.hash);
    ids.set(certId.hash, own);
    return sameCertId(certId, own);
  });
}

const severity = { good: 0, unknown: 1, revoked: 2 } as const;

/** Of answers that contradict each other the gravest counts: an attacker may choose among answers, not among words. */
function worstOf(singles: readonly SingleResponse[]): SingleResponse | undefined {
  return singles.reduce<SingleResponse | undefined>((worst, single) => {
    if (worst === undefined) return single;
    const difference = severity[single.status.kind] - severity[worst.status.kind];
    return difference > 0 || (difference === 0 && single.thisUpdate < worst.thisUpdate) ? single : worst;
  }, undefined);
}

function validUntilOf({ thisUpdate, nextUpdate }: SingleResponse, { maxAge }: OcspRules): Date {
  const oldest = maxAge ?? (nextUpdate === undefined ? maxAgeWithoutNextUpdate : Number.POSITIVE_INFINITY);
  return new Date(Math.min(nextUpdate?.getTime() ?? Number.POSITIVE_INFINITY, thisUpdate.getTime() + oldest));
}

function timeFault(
  { thisUpdate, nextUpdate }: SingleResponse,
  validUntil: Date,
  rules: OcspRules,
  at: Date,
): CertificateStatus | undefined {
  if (!(thisUpdate.getTime() <= at.getTime() + rules.skew))
    return unknown('not-yet-valid', `thisUpdate ${thisUpdate.toISOString()} is to come`);
  // RFC 6960 3.2 (6): nextUpdate is later than now.
  if (nextUpdate !== undefined && !(nextUpdate.getTime() + rules.grace > at.getTime()))
    return unknown('stale', `nextUpdate ${nextUpdate.toISOString()} has passed`);
  // RFC 6960 3.2 (5): thisUpdate is sufficiently recent.
  if (!(validUntil.getTime() + rules.grace > at.getTime()))
    return unknown('stale', `thisUpdate ${thisUpdate.toISOString()} is too long ago`);
  return undefined;
}
