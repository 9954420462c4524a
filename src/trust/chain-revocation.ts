import type { Certificate } from '../x509/certificate.ts';
import type { CertificateStatus } from '../x509/certificate-status.ts';
import type { CertificateList } from '../x509/crl.ts';
import { judgeByCrls } from '../x509/crl-judgement.ts';
import { namesEqual } from '../x509/name.ts';
import { defaultOcspRules, judgeOcspResponse, type OcspRules } from '../x509/ocsp-judgement.ts';
import { type CertificatePath, judgePath } from '../x509/path.ts';
import type { PathAnchor } from '../x509/path-anchor.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { readPem } from '../x509/pem.ts';
import { decide } from './decide.ts';
import { isOcsp, type PolicyInForce, type RevocationSource, sourceName } from './revocation-policy.ts';
import { uploadOrigin } from './revocation/crl-store.ts';
import { certificatesOf, type CrlFacts, crlAnswer, depthOf, type SourceQuestion } from './revocation/statuses.ts';
import type { CertificateAnswers, SourceAnswer, Verdict } from './verdict.ts';

/** What a person gave beside a chain. */
export interface GivenRevocation {
  readonly crls: readonly CertificateList[];
  /** OCSPResponses, each with the name under which it is told. */
  readonly responses: readonly { readonly name: string; readonly der: Uint8Array }[];
  /** Certificates that may have signed CRLs: all of the chain file. */
  readonly signers: readonly Certificate[];
}

export interface ChainRevocationQuestion {
  readonly path: CertificatePath;
  /** Those that the path was judged with. */
  readonly anchors: readonly PathAnchor[];
  readonly given: GivenRevocation;
  readonly policy: PolicyInForce;
  readonly at: Date;
  /** Asks a source that is somewhere else; absent: nothing is fetched, and what was given stands in for it. */
  readonly fetch?: FetchAnswer;
}

export type FetchAnswer = (question: SourceQuestion) => Promise<SourceAnswer>;

/** The verdict on a path by what was given and what the sources say: the policy is applied as it is at the gate. */
export async function judgeChainRevocation(question: ChainRevocationQuestion): Promise<Verdict> {
  const { path, policy, at } = question;
  const statuses: CertificateAnswers[] = [];
  for (const [index, certificate] of certificatesOf(path).entries()) {
    const answers: SourceAnswer[] = [];
    if (index < depthOf(policy.policy, path))
      for (const source of policy.policy.sources)
        answers.push(await answerOf(question, { policy: policy.policy, source, path, index, at }));
    const role = index === 0 ? 'end-entity' : 'ca';
    statuses.push({ certificate: certificate.fingerprint, role, answers });
  }
  return decide(policy, statuses, at);
}

/** What was given comes first where it can stand for the source: nobody is asked what is at hand. */
async function answerOf(question: ChainRevocationQuestion, asked: SourceQuestion): Promise<SourceAnswer> {
  const { given, fetch } = question;
  const { source } = asked;
  const here = isOcsp(source)
    ? given.responses.length > 0 && ocspAnswer(question, asked)
    : given.crls.length > 0 &&
      (source.kind === 'uploaded-crl' || fetch === undefined) &&
      givenCrlAnswer(question, asked);
  if (here !== false && (here.status.kind !== 'unknown' || fetch === undefined || source.kind === 'uploaded-crl'))
    return here;
  if (fetch !== undefined && source.kind !== 'uploaded-crl') return fetch(asked);
  const detail = 'nothing was given that could stand for it';
  return { source: sourceName(source), status: { kind: 'unknown', cause: 'not-fetched', detail } };
}

/** As at the gate: CRLs that were given are uploaded ones. */
function givenCrlAnswer({ given, anchors }: ChainRevocationQuestion, asked: SourceQuestion): SourceAnswer {
  const held = given.crls.map((list, i) => {
    return { list, anchor: asked.path.anchorName, signers: i === 0 ? given.signers : [] };
  });
  const facts: CrlFacts = { crls: new Map([[uploadOrigin, held]]), fetches: new Map() };
  const source: RevocationSource = { ...asked.source, kind: 'uploaded-crl' };
  const answer = crlAnswer(facts, { ...asked, source: withoutUrl(source) }, anchors);
  const nothing: CertificateStatus = { kind: 'unknown', cause: 'not-fetched' };
  return { ...(answer ?? { status: nothing }), source: sourceName(asked.source) };
}

function withoutUrl({ url: _, ...source }: RevocationSource): RevocationSource {
  return source;
}

/** The answer among those given that tells most about the certificate. */
function ocspAnswer(question: ChainRevocationQuestion, asked: SourceQuestion): SourceAnswer {
  const { given, at } = question;
  const [certificate, issuer] = [...certificatesOf(asked.path), asked.path.anchor].slice(asked.index);
  let best: SourceAnswer = { source: sourceName(asked.source), status: { kind: 'unknown', cause: 'not-fetched' } };
  if (certificate === undefined || issuer === undefined) return best;
  const rules = ocspRules(question, asked, issuer);
  for (const { name, der } of given.responses) {
    const { status } = judgeOcspResponse(der, { certificate, issuer }, rules, at);
    if (weight(status) > weight(best.status)) best = { ...best, status, basis: { url: name } };
  }
  return best;
}

/** Revoked is worse than good, and both tell more than a word that is of no use; least of all one about another. */
function weight(status: CertificateStatus): number {
  if (status.kind !== 'unknown') return status.kind === 'revoked' ? 5 : 4;
  if (status.cause === 'not-fetched') return 0;
  return status.cause === 'out-of-scope' ? 1 : status.cause === 'responder-unknown' ? 3 : 2;
}

function ocspRules(question: ChainRevocationQuestion, asked: SourceQuestion, issuer: Certificate): OcspRules {
  const { policy, source, path } = asked;
  const age = source.maxAge ?? policy.maxAge;
  const accepted = question.anchors.some(({ name, acceptExpired }) => name === path.anchorName && acceptExpired);
  return {
    ...defaultOcspRules,
    sha1: source.sha1,
    maxAge: age === 'next-update' ? undefined : age,
    grace: policy.grace,
    configured: source.signer === undefined ? [] : readPem(source.signer, 'CERTIFICATE').map(parseCertificate),
    unmarkedDelegates: (delegate) => delegateStatus(question, delegate),
    issuerValidity: accepted && issuer === path.anchor ? 'ignore' : 'check',
  };
}

/** RFC 6960 4.2.2.2.1: by the CRLs given. */
function delegateStatus(
  { path, anchors, given, at }: ChainRevocationQuestion,
  delegate: Certificate,
): CertificateStatus | undefined {
  if (given.crls.length === 0) return undefined;
  const chain = [delegate, ...path.intermediates].map(({ der }) => der);
  const result = judgePath({ chain, anchors, at, purpose: 'any' });
  if (!result.ok) return undefined;
  return judgeByCrls({ path: result.path, crls: given.crls, anchors, signers: given.signers, at }).status;
}

/** CRLs that speak of no certificate of the path: of other CAs, and of no issuer that a distribution point names. */
export function irrelevantCrls(crls: readonly CertificateList[], path: CertificatePath): readonly CertificateList[] {
  const issuers = certificatesOf(path).flatMap(({ issuer, extensions }) => {
    const named = (extensions.cRLDistributionPoints ?? []).flatMap(({ cRLIssuer }) => cRLIssuer ?? []);
    return [issuer, ...named.flatMap((name) => (name.kind === 'directoryName' ? [name.name] : []))];
  });
  return crls.filter(({ issuer }) => !issuers.some((name) => namesEqual(name, issuer)));
}
