import type { Certificate } from './certificate.ts';
import type { CertificateStatus } from './certificate-status.ts';
import { type CertificateList, lookUp } from './crl.ts';
import { seriesOf, updates } from './crl-delta.ts';
import { type CrlFault, freshnessFault } from './crl-freshness.ts';
import {
  type CrlAnswer,
  type CrlOptions,
  type CrlQuestion,
  type CrlReport,
  defaultCrlOptions,
} from './crl-question.ts';
import { allReasons, type ReasonMask, type ScopePoint, scopeOf, scopePointsOf } from './crl-scope.ts';
import {
  algorithmFault,
  type CrlBudget,
  type CrlSigner,
  newCrlBudget,
  type SignerResult as Trusted,
  signatureFaultOf,
  signersOf,
} from './crl-signer.ts';
import { criticalFault, goodBy, revokedBy, revokes, tellsMore, unknownBy } from './crl-status.ts';
import type { CertificatePath } from './path.ts';

/** One question and those that it raises about the signers of CRLs. */
interface Judgement {
  readonly question: CrlQuestion;
  readonly options: CrlOptions;
  /** Complete ones, the newest first, then deltas, the newest first; each once. */
  readonly complete: readonly CertificateList[];
  readonly deltas: readonly CertificateList[];
  readonly budget: CrlBudget;
  /** Signers whose own status is being asked for: whether a list that they signed themselves counts for it. */
  readonly asking: Map<string, 'by-others' | 'by-itself'>;
}

/** The certificate in question, and what the CRLs said so far. */
interface Inquiry {
  readonly judgement: Judgement;
  readonly path: CertificatePath;
  readonly index: number;
  readonly certificate: Certificate;
  readonly reports: Map<CertificateList, CrlReport>;
  readonly signers: Map<CertificateList, Trusted>;
  /** CRLs that count, by which reasons are covered. */
  readonly used: CertificateList[];
  /** The series that have spoken: older lists of the same are history. */
  readonly settled: Set<string>;
  covered: ReasonMask;
}

/**
 * The status of a certificate by the CRLs at hand (RFC 5280 6.3.3), without fetching any. Never throws on what CRLs
 * and certificates say; the work is bounded by counts. "Good" needs CRLs that are of now, in scope, signed under the
 * same anchor, understood in full, and cover every reason. "Revoked" is believed of a list that is signed and in
 * scope even where it is stale or has unknown critical extensions, save a certificateHold, which may have been lifted.
 */
export function judgeByCrls(question: CrlQuestion): CrlAnswer {
  const options = { ...defaultCrlOptions, ...question.options };
  const all = [...new Map(question.crls.map((crl) => [crl.fingerprint, crl])).values()].sort(newestFirst);
  const isDelta = ({ extensions }: CertificateList): boolean => extensions.deltaCRLIndicator !== undefined;
  const judgement: Judgement = {
    question,
    options,
    complete: all.filter((crl) => !isDelta(crl)),
    deltas: options.useDeltas ? all.filter(isDelta) : [],
    budget: newCrlBudget(),
    asking: new Map(),
  };
  return inquire(judgement, question.path, question.index ?? 0);
}

function newestFirst(a: CertificateList, b: CertificateList): number {
  const [first, second] = [a.extensions.cRLNumber ?? -1n, b.extensions.cRLNumber ?? -1n];
  return b.thisUpdate.getTime() - a.thisUpdate.getTime() || (second > first ? 1 : second < first ? -1 : 0);
}

function inquire(judgement: Judgement, path: CertificatePath, index: number): CrlAnswer {
  const certificate = [path.leaf, ...path.intermediates][index];
  if (certificate === undefined) throw new RangeError(`the path has no certificate ${index} below its anchor`);
  const inquiry: Inquiry = {
    judgement,
    path,
    index,
    certificate,
    reports: new Map(),
    signers: new Map(),
    used: [],
    settled: new Set(),
    covered: 0,
  };
  const revoked = askEveryPoint(inquiry);
  const reports = [...inquiry.reports.values()];
  if (revoked !== undefined) return { status: revoked, reports };
  // 6.3.3: UNREVOKED only when every reason is covered.
  if (inquiry.covered === allReasons) return { status: goodBy(inquiry.used), reports };
  return { status: unknownBy(certificate, reports, inquiry.covered !== 0), reports };
}

/**
 * Also once every reason is covered: where lists of different scopes or keys disagree, the one that revokes is right
 * (RFC 5280 6.3.3 stops at the first that covers all, whichever that is).
 */
function askEveryPoint(inquiry: Inquiry): CertificateStatus | undefined {
  const { complete, budget } = inquiry.judgement;
  for (const point of scopePointsOf(inquiry.certificate))
    for (const crl of complete) {
      if (budget.pairs-- <= 0) return undefined;
      const revoked = askOne(inquiry, point, crl);
      if (revoked !== undefined) return revoked;
    }
  return undefined;
}

/** One complete CRL under one point. */
function askOne(inquiry: Inquiry, point: ScopePoint, crl: CertificateList): CertificateStatus | undefined {
  const scope = scopeOf(crl, point, inquiry.certificate);
  if (scope.kind === 'foreign') return undefined;
  if (scope.kind === 'out-of-scope') return report(inquiry, crl, { cause: 'out-of-scope', detail: scope.detail });
  // 6.3.3 (e)
  const nothingNew = (scope.reasons & ~inquiry.covered) === 0;
  if (scope.reasons === 0 || (nothingNew && inquiry.settled.has(seriesOf(crl)))) return undefined;
  const weak = algorithmFault(crl, inquiry.judgement.options.allowSha1);
  if (weak !== undefined) return report(inquiry, crl, weak);
  const signer = inquiry.signers.get(crl) ?? trustedSigner(inquiry, crl);
  inquiry.signers.set(crl, signer);
  if (!signer.ok) return report(inquiry, crl, signer);
  return search(inquiry, crl, signer.signer, scope.reasons);
}

function report(inquiry: Inquiry, crl: CertificateList, fault: CrlFault): undefined {
  const { cause, detail } = fault;
  const before = inquiry.reports.get(crl);
  // A CRL may miss at one point and fit another: the more telling word is kept.
  if (before === undefined || (before.cause !== undefined && tellsMore(cause, before.cause)))
    inquiry.reports.set(crl, { crl, use: 'not-used', cause, detail });
}

/** 6.3.3 (f), (g), and the status of the signer itself. */
function trustedSigner(inquiry: Inquiry, crl: CertificateList): Trusted {
  const { judgement, index, path } = inquiry;
  let fault: CrlFault | undefined;
  for (const result of signersOf({ ...judgement.question, path }, crl, index, judgement.budget)) {
    if (!result.ok) {
      fault ??= result;
      continue;
    }
    const revoked = signerFault(inquiry, result.signer);
    if (revoked === undefined) return result;
    fault ??= revoked;
  }
  const { cause, detail } = fault ?? { cause: 'unauthorized-signer', detail: 'nobody is known to have signed it' };
  return { ok: false, cause, detail };
}

/** Signers of signers of signers: as deep as this. */
const deepest = 4;

const unauthorized = (detail: string): CrlFault => ({ cause: 'unauthorized-signer', detail });

/** A signer off the path must not be revoked, nor the CAs above it; those on the path the caller asks about. */
function signerFault({ judgement, path }: Inquiry, { path: own }: CrlSigner): CrlFault | undefined {
  if (own === undefined) return undefined;
  const onPath = new Set([path.leaf, ...path.intermediates].slice(1).map(({ fingerprint }) => fingerprint));
  for (const [index, { fingerprint }] of [own.leaf, ...own.intermediates].entries()) {
    const asked = judgement.asking.get(fingerprint);
    if (asked === 'by-others') return unauthorized('its signer vouches for itself');
    if (asked === 'by-itself' || onPath.has(fingerprint)) continue;
    const status = signerStatus(judgement, own, index, fingerprint);
    if (status.kind === 'revoked') return unauthorized('its signer is revoked');
    if (status.kind === 'unknown' && judgement.options.signerStatus === 'good')
      return unauthorized(`nothing says that its signer is not revoked: ${status.cause}`);
  }
  return undefined;
}

/**
 * What others say of a signer comes first. Where they say nothing its own list may: an issuer of CRLs alone has to
 * list itself, and is not believed once it, or anybody, says that it is revoked.
 */
function signerStatus(judgement: Judgement, path: CertificatePath, index: number, signer: string): CertificateStatus {
  const { asking } = judgement;
  if (asking.size >= deepest) return { kind: 'unknown', cause: 'too-large', detail: 'signers of signers, too deep' };
  asking.set(signer, 'by-others');
  let { status } = inquire(judgement, path, index);
  if (status.kind === 'unknown') {
    asking.set(signer, 'by-itself');
    status = inquire(judgement, path, index).status;
  }
  asking.delete(signer);
  return status;
}

/** 6.3.3 (h) to (l): the entry in the delta, then in the complete CRL. */
function search(
  inquiry: Inquiry,
  crl: CertificateList,
  signer: CrlSigner,
  reasons: ReasonMask,
): CertificateStatus | undefined {
  const { certificate, judgement } = inquiry;
  const { serialNumber, issuer } = certificate;
  const fault = freshnessFault(crl, judgement.question.at, judgement.options);
  if (fault?.cause === 'not-yet-valid') return report(inquiry, crl, fault);
  const delta = deltaFor(inquiry, crl, signer);
  const newest = delta ?? crl;
  const entry = (delta && lookUp(delta.entries, serialNumber, issuer)) ?? lookUp(crl.entries, serialNumber, issuer);
  const stale = delta === undefined ? fault : undefined;
  // (k)
  if (revokes(entry) && !(stale !== undefined && entry.reason === 'certificateHold')) {
    inquiry.reports.set(crl, { crl, use: 'complete', ...stale });
    return revokedBy(entry, newest);
  }
  const unclear = stale ?? criticalFault(crl);
  if (unclear !== undefined) return report(inquiry, crl, unclear);
  // (l)
  inquiry.reports.set(crl, { crl, use: 'complete' });
  if ((reasons & ~inquiry.covered) !== 0) inquiry.used.push(newest);
  inquiry.settled.add(seriesOf(crl));
  inquiry.covered |= reasons;
  return undefined;
}

/** The newest delta that may be put on a CRL; signed with the same key (6.3.3 (h)). */
function deltaFor(inquiry: Inquiry, crl: CertificateList, signer: CrlSigner): CertificateList | undefined {
  const { options, question, budget, deltas } = inquiry.judgement;
  const { serialNumber, issuer } = inquiry.certificate;
  for (const delta of deltas) {
    if (budget.pairs-- <= 0) return undefined;
    if (!updates(delta, crl)) continue;
    const entry = lookUp(delta.entries, serialNumber, issuer);
    const old = freshnessFault(delta, question.at, options);
    const fault =
      algorithmFault(delta, options.allowSha1) ??
      (old?.cause === 'stale' && revokes(entry) && entry.reason !== 'certificateHold' ? undefined : old) ??
      signatureFaultOf(delta, signer.certificate, budget) ??
      (revokes(entry) ? undefined : criticalFault(delta));
    inquiry.reports.set(delta, { crl: delta, use: fault === undefined ? 'delta' : 'not-used', ...fault });
    if (fault === undefined) return delta;
  }
  return undefined;
}
