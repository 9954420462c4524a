import type { Certificate } from '../../x509/certificate.ts';
import type { CertificateStatus, UnknownCause } from '../../x509/certificate-status.ts';
import { judgeByCrls } from '../../x509/crl-judgement.ts';
import type { CrlAnswer, CrlOptions } from '../../x509/crl-question.ts';
import type { CertificatePath } from '../../x509/path.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { type RevocationPolicy, type RevocationSource, sourceName } from '../revocation-policy.ts';
import { type CertificateAnswers, operatorList, type SourceAnswer } from '../verdict.ts';
import { uploadOrigin } from './crl-store.ts';
import { type Facts, wasTried } from './facts.ts';
import type { HeldCrl } from './held-crls.ts';
import { deltaUrls, distributionUrls } from './source-urls.ts';

/** A device's path, and what its certificate proves. */
export interface Subject {
  readonly path: CertificatePath;
  readonly identity: string | undefined;
}

/** What is known of a certificate at a source without asking anybody; undefined: it has to be asked. */
export type Peek = (question: SourceQuestion) => SourceAnswer | undefined;

export interface SourceQuestion {
  readonly policy: RevocationPolicy;
  readonly source: RevocationSource;
  readonly path: CertificatePath;
  /** 0 the device's certificate, 1 the CA above it, … */
  readonly index: number;
  readonly at: Date;
}

export function certificatesOf({ leaf, intermediates }: CertificatePath): readonly Certificate[] {
  return [leaf, ...intermediates];
}

/** How many of them the policy wants to know about. */
export function depthOf(policy: RevocationPolicy, path: CertificatePath): number {
  return policy.depth === 'chain' ? 1 + path.intermediates.length : 1;
}

/** Every certificate of the path with every answer that is at hand. */
export function collectAnswers(
  facts: Facts,
  { path, identity }: Subject,
  policy: RevocationPolicy | undefined,
  peek: Peek,
  at: Date,
): readonly CertificateAnswers[] {
  return certificatesOf(path).map((certificate, index) => {
    const listed = facts.list.find(certificate, index === 0 ? identity : undefined);
    const own: readonly SourceAnswer[] = listed === undefined ? [] : [{ source: operatorList, status: listed }];
    const asked = policy !== undefined && index < depthOf(policy, path) ? policy.sources : [];
    const answers = asked.flatMap((source) => {
      const answer = policy && peek({ policy, source, path, index, at });
      return answer === undefined ? [] : [answer];
    });
    const role = index === 0 ? 'end-entity' : 'ca';
    return { certificate: certificate.fingerprint, role, answers: [...own, ...answers] };
  });
}

/** What CRL sources are looked up in. */
export type CrlFacts = Pick<Facts, 'crls' | 'fetches'>;

/** The URLs at which a CRL source may find something on this certificate; none for what was uploaded. */
export function crlUrls(facts: CrlFacts, { source, path, index }: SourceQuestion): readonly string[] {
  if (source.url !== undefined) return withDeltas(facts, [source.url]);
  if (source.kind !== 'cert-cdp') return [];
  const certificate = certificatesOf(path)[index];
  return certificate === undefined ? [] : withDeltas(facts, distributionUrls(certificate));
}

function withDeltas({ crls }: CrlFacts, urls: readonly string[]): readonly string[] {
  const deltas = urls.flatMap((url) => (crls.get(url) ?? []).flatMap(({ list }) => deltaUrls(list)));
  return deltas.length === 0 ? urls : [...new Set([...urls, ...deltas])];
}

/** What the CRLs of a source say; undefined while one that it needs was never asked for. */
export function crlAnswer(
  facts: CrlFacts,
  question: SourceQuestion,
  anchors: readonly PathAnchor[],
): SourceAnswer | undefined {
  const { source } = question;
  const name = sourceName(source);
  const urls = crlUrls(facts, question);
  if (source.kind === 'cert-cdp' && urls.length === 0)
    return { source: name, status: { kind: 'unknown', cause: 'no-pointer' } };
  const held = (source.kind === 'uploaded-crl' ? [uploadOrigin] : urls).flatMap((url) => facts.crls.get(url) ?? []);
  if (held.length === 0) return nothingHeld(facts, name, question, urls);
  const { status, reports } = askCrls(question, held, anchors);
  // The CRL that decided, else the first that was looked at.
  const report = reports.find(({ use }) => use !== 'not-used') ?? reports[0];
  const number = report?.crl.extensions.cRLNumber;
  const origin = urls.find((url) => facts.crls.get(url)?.some(({ list }) => list === report?.crl));
  return {
    source: name,
    status: told(status, source, report?.detail),
    ...(report && {
      basis: {
        sha256: report.crl.fingerprint,
        ...(number !== undefined && { number: number.toString() }),
        ...(origin !== undefined && { url: origin }),
      },
    }),
  };
}

/** The judge of CRLs knows not where they come from: where no pointer was followed, none is missing. */
function told(status: CertificateStatus, { kind }: RevocationSource, detail: string | undefined): CertificateStatus {
  if (status.kind !== 'unknown') return status;
  const cause = status.cause === 'no-pointer' && kind !== 'cert-cdp' ? 'not-fetched' : status.cause;
  return { ...status, cause, ...(detail !== undefined && { detail }) };
}

function nothingHeld(
  facts: CrlFacts,
  name: string,
  { source, at }: SourceQuestion,
  urls: readonly string[],
): SourceAnswer | undefined {
  if (source.kind === 'uploaded-crl') return { source: name, status: { kind: 'unknown', cause: 'not-fetched' } };
  // All were tried and none came: whoever connects next need not wait for the same again.
  const states = urls.map((url) => facts.fetches.get(url));
  const tried = states.flatMap((state) => (wasTried(state, at) && state?.outcome !== undefined ? [state.outcome] : []));
  if (tried.length < urls.length) return undefined;
  const [outcome] = tried;
  return { source: name, status: { kind: 'unknown', cause: causeOf(outcome) } };
}

const fetchCauses: readonly UnknownCause[] = [
  'unreachable',
  'too-large',
  'malformed',
  'bad-signature',
  'weak-signature',
  'unauthorized-signer',
  'number-rollback',
];

function causeOf(outcome: string | undefined): UnknownCause {
  if (outcome === 'signer-unknown') return 'unauthorized-signer';
  return fetchCauses.find((cause) => cause === outcome) ?? 'unreachable';
}

function askCrls(
  { policy, source, path, index, at }: SourceQuestion,
  held: readonly HeldCrl[],
  anchors: readonly PathAnchor[],
): CrlAnswer {
  const age = source.maxAge ?? policy.maxAge;
  const options: Partial<CrlOptions> = {
    grace: policy.grace,
    allowSha1: source.sha1 === 'allow',
    // Whoever names a signer vouches for it; any other one must be known to stand.
    signerStatus: source.signer === undefined ? 'good' : 'not-revoked',
    ...(age !== 'next-update' && { maxAge: age, maxAgeWithoutNextUpdate: age }),
  };
  return judgeByCrls({
    path,
    index,
    crls: held.map(({ list }) => list),
    anchors,
    signers: held.flatMap(({ signers }) => signers),
    at,
    options,
  });
}
