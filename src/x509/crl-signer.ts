import type { HashName, SignatureAlgorithm } from './algorithms.ts';
import type { Certificate } from './certificate.ts';
import { type CertificateList, verdictKey } from './crl.ts';
import type { CrlFault } from './crl-freshness.ts';
import type { CrlQuestion } from './crl-question.ts';
import { sameBytes } from './der.ts';
import { namesEqual } from './name.ts';
import { type CertificatePath, judgePath } from './path.ts';
import { nameKey, type PathAnchor } from './path-anchor.ts';
import { type Profile, profileRules, profiles, withLevels } from './profile.ts';
import { workingKey } from './inherited-parameters.ts';
import type { PublicKeyInfo } from './public-key.ts';
import { type SignatureVerdict, verificationCost, verifySignature } from './signature.ts';

/** What is left of the work that one question may cost. */
export interface CrlBudget {
  /** Pairs of certificate and CRL, and of CRL and possible signer, looked at. */
  pairs: number;
  /** Signatures of CRLs, counted in verifications of P-256. */
  signatures: number;
  /** Paths of signers judged. */
  paths: number;
}

export const newCrlBudget = (): CrlBudget => ({ pairs: 16_384, signatures: 500, paths: 32 });

/** Who signed a CRL: a certificate of the path asked about, or one with a path of its own to the same anchor. */
export interface CrlSigner {
  readonly certificate: Certificate;
  /** Undefined where the signer stands on the path asked about, above the certificate. */
  readonly path: CertificatePath | undefined;
}

export type SignerResult = { readonly ok: true; readonly signer: CrlSigner } | ({ readonly ok: false } & CrlFault);

/** Most certificates tried as the signer of one CRL. */
const mostCandidates = 32;

/** Whether the algorithm of a CRL is one that counts. */
export function algorithmFault({ signature }: CertificateList, allowSha1: boolean): CrlFault | undefined {
  const { algorithm, consistent } = signature;
  // RFC 5280 5.1.1.2
  if (!consistent) return { cause: 'malformed', detail: 'it names two different signature algorithms' };
  const weak = { cause: 'weak-signature', detail: `it is signed with ${algorithm.name}, which is refused` } as const;
  if (algorithm.kind === 'refused' || algorithm.kind === 'unknown') return weak;
  // REV-5
  if ('hash' in algorithm && (algorithm.hash === 'md5' || (isOld(algorithm) && !allowSha1))) return weak;
  return undefined;
}

/** SHA-1, and DSA, which is of its age: whoever allows the one has to do with the other. */
function isOld(algorithm: Extract<SignatureAlgorithm, { hash: HashName }>): boolean {
  return algorithm.hash === 'sha1' || algorithm.kind === 'dsa';
}

/**
 * RFC 5280 6.3.3 (f) and (g): every certificate that may have signed the CRL, verified, with a path to the same
 * anchor as the certificate's. Certificates of the path come first, then the operator's, then the others in the order
 * given, so that what a stranger sends never comes before what is known.
 */
export function* signersOf(
  question: CrlQuestion,
  crl: CertificateList,
  index: number,
  budget: CrlBudget,
): Generator<SignerResult> {
  let found: CrlFault = { cause: 'unauthorized-signer', detail: 'no certificate of its issuer is at hand' };
  let tried = 0;
  for (const { certificate, onPath } of candidates(question, crl, index)) {
    if (++tried > mostCandidates || budget.pairs-- <= 0) break;
    const { keyUsage } = certificate.extensions;
    // 6.3.3 (f)
    if (keyUsage !== undefined && !keyUsage.includes('cRLSign')) {
      found = { cause: 'unauthorized-signer', detail: 'the key of its issuer may not sign CRLs' };
      continue;
    }
    const key = onPath ? keyOnPath(question, certificate) : certificate.publicKey;
    const verdict = verdictOf(crl, key, budget);
    if (verdict !== 'good') {
      if (found.cause !== 'bad-signature') found = signatureFault(verdict);
      continue;
    }
    if (onPath) yield { ok: true, signer: { certificate, path: undefined } };
    else yield pathOfSigner(question, certificate, budget);
  }
  yield { ok: false, ...found };
}

function keyOnPath({ path }: CrlQuestion, certificate: Certificate): PublicKeyInfo {
  const all = [path.leaf, ...path.intermediates, path.anchor];
  return workingKey(certificate.publicKey, all.slice(all.indexOf(certificate) + 1)) ?? certificate.publicKey;
}

interface Candidate {
  readonly certificate: Certificate;
  readonly onPath: boolean;
}

function candidates({ path, anchors, signers = [] }: CrlQuestion, crl: CertificateList, index: number): Candidate[] {
  const above = [path.leaf, ...path.intermediates, path.anchor].slice(index + 1);
  const seen = new Set<string>();
  const all: Candidate[] = [];
  const add = (certificate: Certificate, onPath: boolean): void => {
    if (seen.has(certificate.fingerprint) || !namesEqual(certificate.subject, crl.issuer)) return;
    seen.add(certificate.fingerprint);
    all.push({ certificate, onPath });
  };
  for (const certificate of above) add(certificate, true);
  for (const anchor of anchors) for (const certificate of anchor.intermediates ?? []) add(certificate, false);
  for (const certificate of signers) add(certificate, false);
  // Key identifiers are hints (RFC 5280 4.2.1.1): of those off the path what does not fit comes last.
  const order = (one: Candidate): number => (one.onPath ? 0 : fitsKey(one, crl) ? 1 : 2);
  return all.toSorted((a, b) => order(a) - order(b));
}

function fitsKey({ certificate }: Candidate, crl: CertificateList): boolean {
  const wanted = crl.extensions.authorityKeyIdentifier?.keyIdentifier;
  const has = certificate.extensions.subjectKeyIdentifier;
  return wanted === undefined || has === undefined || sameBytes(wanted, has);
}

/** Most bad verdicts remembered of one CRL: strangers may bring any number of keys. */
const mostVerdicts = 64;

function verdictOf(crl: CertificateList, publicKey: PublicKeyInfo, budget: CrlBudget): SignatureVerdict | 'not-known' {
  const { signed, verdicts, ...rest } = crl.signature;
  const key = verdictKey(publicKey.spki);
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const cost = verificationCost(publicKey);
  if (signed === undefined || (Number.isFinite(cost) && budget.signatures < cost)) return 'not-known';
  if (Number.isFinite(cost)) budget.signatures -= cost;
  const verdict = verifySignature({ ...rest, signed }, publicKey);
  if (verdict === 'good' || verdicts.size < mostVerdicts) verdicts.set(key, verdict);
  return verdict;
}

/** Why a CRL does not count as signed with the key of a certificate. */
export function signatureFaultOf(crl: CertificateList, signer: Certificate, budget: CrlBudget): CrlFault | undefined {
  const verdict = verdictOf(crl, signer.publicKey, budget);
  return verdict === 'good' ? undefined : signatureFault(verdict);
}

function signatureFault(verdict: Exclude<SignatureVerdict, 'good'> | 'not-known'): CrlFault {
  switch (verdict) {
    case 'algorithm_refused':
      return { cause: 'weak-signature', detail: 'its signature algorithm is refused' };
    case 'key_unusable':
      return { cause: 'unauthorized-signer', detail: 'the key of its issuer cannot be used' };
    case 'not-known':
      return { cause: 'unauthorized-signer', detail: 'it was not verified with the key of this issuer' };
    case 'key_mismatch':
    case 'bad':
      return { cause: 'bad-signature', detail: 'its signature is not of its issuer' };
  }
}

/** 6.3.3 (f): a path to the same anchor, whatever the purpose of the certificate. */
function pathOfSigner(question: CrlQuestion, certificate: Certificate, budget: CrlBudget): SignerResult {
  if (budget.paths-- <= 0) return { ok: false, cause: 'too-large', detail: 'too many possible signers' };
  const { path, signers = [], at, cache } = question;
  const chain = [certificate, ...path.intermediates, ...signers].slice(0, mostChain).map(({ der }) => der);
  const result = judgePath({
    chain,
    anchors: sameAnchor(question),
    at,
    purpose: 'any',
    ...(cache === undefined ? {} : { cache }),
  });
  if (result.ok) return { ok: true, signer: { certificate, path: result.path } };
  const [{ message }] = result.failures;
  return { ok: false, cause: 'unauthorized-signer', detail: `its signer has no path to the same anchor: ${message}` };
}

/** As many as `judgePath` takes. */
const mostChain = 100;

const restricted = new WeakMap<readonly PathAnchor[], Map<string, readonly PathAnchor[]>>();

/** The anchor of the path alone (REV-10): the same name and key under the same name of the operator. */
function sameAnchor({ path, anchors }: CrlQuestion): readonly PathAnchor[] {
  const { anchor, anchorName } = path;
  const memo = restricted.get(anchors) ?? new Map<string, readonly PathAnchor[]>();
  restricted.set(anchors, memo);
  const key = `${anchorName} ${anchor.fingerprint}`;
  let found = memo.get(key);
  if (found === undefined) {
    found = anchors
      .filter(({ name }) => name === anchorName)
      .map((one) => ({
        ...one,
        certificates: one.certificates.filter(
          (certificate) =>
            nameKey(certificate.subject) === nameKey(anchor.subject) &&
            sameBytes(certificate.publicKey.spki, anchor.publicKey.spki),
        ),
        profile: signerProfile(one.profile),
      }));
    memo.set(key, found);
  }
  return found;
}

const leafRules = profileRules.filter(({ applies }) => applies === 'leaf').map(({ name }) => name);

/** The profile of an anchor for a certificate that signs CRLs: what it asks of a device does not apply. */
function signerProfile(profile: Profile): Profile {
  const levels = leafRules.map((rule) => [rule, profiles.rfc5280.levels.get(rule) ?? 'refuse'] as const);
  const result = withLevels(profile, Object.fromEntries(levels));
  // A profile that knows not all rules refuses by those.
  return result.ok ? result.profile : profile;
}
