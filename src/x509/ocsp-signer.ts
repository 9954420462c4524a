import { hash } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import type { CertificateStatus } from './certificate-status.ts';
import { isProcessed } from './critical-extensions.ts';
import { sameBytes } from './der.ts';
import { findExtension } from './extensions.ts';
import { namesEqual, nameToString } from './name.ts';
import { ocspOids } from './ocsp-oids.ts';
import type { BasicOcspResponse, ResponderId } from './ocsp-response.ts';
import { purposes } from './oids.ts';
import type { PublicKeyInfo } from './public-key.ts';
import { verifySignature } from './signature.ts';
import { outsideValidity } from './validity.ts';

/** Who signed an answer, and by what right (RFC 6960 4.2.2.2). */
export type OcspSigner =
  /** The CA that issued the certificate. */
  | { readonly kind: 'issuer' }
  /**
   * Whom that CA appointed. Without id-pkix-ocsp-nocheck its own revocation has to be asked for
   * (RFC 6960 4.2.2.2.1): by a CRL of the same issuer, lest one answer hang on another.
   */
  | { readonly kind: 'delegate'; readonly certificate: Certificate; readonly needsRevocationCheck: boolean }
  /** Whom the operator configured. */
  | { readonly kind: 'configured'; readonly certificate: Certificate };

export interface SignerRules {
  readonly at: Date;
  /** SHA-1 under the answer and under a delegate's certificate. MD5 never. */
  readonly sha1: 'refuse' | 'allow';
  /** Certificates of responders that are trusted as they are, for answers about this issuer's certificates. */
  readonly configured: readonly Certificate[];
  /**
   * What counts of a delegate that must be asked about: taken as it is, refused, or what a CRL says of it; `undefined`
   * where nobody knows (yet).
   */
  readonly unmarkedDelegates: 'accept' | 'refuse' | ((delegate: Certificate) => CertificateStatus | undefined);
  /** Whether the issuer's own validity bounds producedAt; `ignore` where an expired anchor is accepted. */
  readonly issuerValidity: 'check' | 'ignore';
}

export type SignerFault = 'bad-signature' | 'weak-signature' | 'unauthorized-signer';

export type SignerVerdict =
  | { readonly ok: true; readonly signer: OcspSigner }
  /** `signer` is there where only the word on its own revocation is missing. */
  | { readonly ok: false; readonly fault: SignerFault; readonly detail: string; readonly signer?: OcspSigner };

interface Candidate {
  readonly key: PublicKeyInfo;
  readonly signer: OcspSigner;
  /** Why it has no right to sign, if it has none. */
  readonly fault: Denial | undefined;
}

type Denial = Extract<SignerVerdict, { ok: false }>;

const denial = (fault: SignerFault, detail: string, signer?: OcspSigner): Denial =>
  signer === undefined ? { ok: false, fault, detail } : { ok: false, fault, detail, signer };

/** Looks for the one signer that the answer names, that has the right to sign and whose signature is good. */
export function findSigner(response: BasicOcspResponse, issuer: Certificate, rules: SignerRules): SignerVerdict {
  const weak = weakness(response.signature.algorithm, rules.sha1);
  if (weak !== undefined) return denial('weak-signature', `the answer is signed with ${weak}`);
  let worst: Denial | undefined;
  for (const { key, signer, fault } of candidates(response, issuer, rules)) {
    const verdict = verifySignature(response.signature, key);
    if (verdict === 'good' && fault === undefined) return { ok: true, signer };
    // Nobody needs to ask about a delegate that did not even sign.
    const right = fault === undefined || (fault.signer !== undefined && verdict !== 'good');
    const bad = denial('bad-signature', `the signature is not of ${describe(signer)} (${verdict})`);
    // A right to sign with a bad signature tells more than a good signature without a right.
    if (worst === undefined || (worst.fault === 'unauthorized-signer' && right)) worst = right ? bad : fault;
  }
  return worst ?? denial('unauthorized-signer', `nobody here is the responder that the answer names`);
}

/** The refused algorithm by name. */
function weakness(
  algorithm: BasicOcspResponse['signature']['algorithm'],
  sha1: 'refuse' | 'allow',
): string | undefined {
  if (!('hash' in algorithm)) return algorithm.kind === 'ed25519' ? undefined : algorithm.name;
  // DSA is of the age of SHA-1, and goes with it.
  const old = algorithm.hash === 'sha1' || algorithm.kind === 'dsa';
  const refused = algorithm.hash === 'md5' || (old && sha1 === 'refuse');
  return refused ? algorithm.name : undefined;
}

/** RFC 6960 4.2.2.2: locally configured, the issuing CA, its delegates; those only whom the ResponderID names. */
function candidates(response: BasicOcspResponse, issuer: Certificate, rules: SignerRules): readonly Candidate[] {
  const { responderId } = response;
  const named = (certificate: Certificate): boolean => isNamed(responderId, certificate);
  const configured = rules.configured
    .filter(named)
    .map((certificate) =>
      candidate({ kind: 'configured', certificate }, certificate, validityFault(certificate, response, rules)),
    );
  const own = named(issuer) ? [candidate({ kind: 'issuer' }, issuer, issuerFault(issuer, response, rules))] : [];
  const delegates = response.certificates
    .filter((certificate) => named(certificate) && !sameBytes(certificate.der, issuer.der))
    .slice(0, mostDelegates)
    .map((certificate) => delegate(certificate, issuer, response, rules));
  return [...configured, ...own, ...delegates];
}

/** Embedded certificates that bear the responder's name or key and are looked at: each costs two verifications. */
const mostDelegates = 4;

const candidate = (signer: OcspSigner, { publicKey }: Certificate, fault: Denial | undefined): Candidate => ({
  key: publicKey,
  signer,
  fault,
});

/** RFC 6960 4.2.1: KeyHash is SHA-1 over the value of the BIT STRING, without tag, length and unused bits. */
function isNamed(responderId: ResponderId, { subject, publicKey }: Certificate): boolean {
  return responderId.kind === 'byName'
    ? namesEqual(responderId.name, subject)
    : sameBytes(responderId.keyHash, hash('sha1', publicKey.key, 'buffer'));
}

function issuerFault(issuer: Certificate, { producedAt }: BasicOcspResponse, rules: SignerRules): Denial | undefined {
  if (rules.issuerValidity === 'ignore' || outsideValidity(issuer, producedAt) === undefined) return undefined;
  return denial('unauthorized-signer', `produced at ${producedAt.toISOString()}, outside the validity of the CA`);
}

function validityFault(
  signer: Certificate,
  { producedAt }: BasicOcspResponse,
  { at }: SignerRules,
): Denial | undefined {
  const now = outsideValidity(signer, at);
  if (now !== undefined)
    return denial(
      'unauthorized-signer',
      `the responder's certificate ${now === 'expired' ? 'has expired' : 'is not valid yet'}`,
    );
  if (outsideValidity(signer, producedAt) === undefined) return undefined;
  return denial(
    'unauthorized-signer',
    `produced at ${producedAt.toISOString()}, outside the validity of the responder's certificate`,
  );
}

/** RFC 6960 4.2.2.2: issued directly by the very CA whose certificates the answer is about, for this purpose. */
function delegate(
  certificate: Certificate,
  issuer: Certificate,
  response: BasicOcspResponse,
  rules: SignerRules,
): Candidate {
  const needsRevocationCheck = findExtension(certificate.extensions, ocspOids.noCheck) === undefined;
  const signer: OcspSigner = { kind: 'delegate', certificate, needsRevocationCheck };
  const fault =
    appointmentFault(certificate, issuer, rules) ??
    validityFault(certificate, response, rules) ??
    (needsRevocationCheck ? revocationFault(signer, certificate, rules) : undefined);
  return candidate(signer, certificate, fault);
}

function appointmentFault(certificate: Certificate, issuer: Certificate, rules: SignerRules): Denial | undefined {
  const { extensions, publicKey, signature } = certificate;
  const denied = (detail: string): Denial =>
    denial('unauthorized-signer', `the responder's certificate (${nameToString(certificate.subject)}) ${detail}`);
  if (!namesEqual(certificate.issuer, issuer.subject)) return denied('was not issued by the CA of the certificate');
  // anyExtendedKeyUsage appoints nobody: the CA says so with this very purpose.
  if (extensions.extKeyUsage?.includes(purposes.OCSPSigning) !== true) return denied('lacks id-kp-OCSPSigning');
  // RFC 5280 4.2.1.12: what is consistent with OCSPSigning.
  const uses = extensions.keyUsage;
  if (uses !== undefined && !uses.includes('digitalSignature') && !uses.includes('nonRepudiation'))
    return denied('may not sign (keyUsage)');
  const unknown = extensions.all.find((one) => one.critical && one.oid !== ocspOids.noCheck && !isProcessed(one));
  if (unknown !== undefined) return denied(`has the unknown critical extension ${unknown.oid}`);
  if (extensions.duplicates.length > 0) return denied(`has ${extensions.duplicates[0]} twice`);
  const weak = weakness(signature.algorithm, rules.sha1);
  if (weak !== undefined) return denial('weak-signature', `the responder's certificate is signed with ${weak}`);
  if ((publicKey.algorithm === 'rsa' || publicKey.algorithm === 'rsa-pss') && publicKey.bits < leastRsaBits(rules))
    return denial('weak-signature', `the responder's key has ${publicKey.bits} bits`);
  if (!signature.consistent || verifySignature(signature, issuer.publicKey) !== 'good')
    return denied('is not signed by the CA of the certificate');
  return undefined;
}

/** TS 33.310 6.1.1; where a source may use SHA-1 its keys are of that age, too. */
const leastRsaBits = ({ sha1 }: SignerRules): number => (sha1 === 'allow' ? 1024 : 2048);

function revocationFault(signer: OcspSigner, certificate: Certificate, rules: SignerRules): Denial | undefined {
  if (rules.unmarkedDelegates === 'accept') return undefined;
  const status = rules.unmarkedDelegates === 'refuse' ? undefined : rules.unmarkedDelegates(certificate);
  if (status?.kind === 'good') return undefined;
  if (status?.kind === 'revoked') return denial('unauthorized-signer', 'the responder’s certificate is revoked');
  const detail = 'the responder’s certificate has no id-pkix-ocsp-nocheck, and nothing says whether it is revoked';
  return denial('unauthorized-signer', detail, signer);
}

function describe(signer: OcspSigner): string {
  if (signer.kind === 'issuer') return 'the CA of the certificate';
  return `${signer.kind === 'configured' ? 'the configured responder' : 'the responder'} ${nameToString(signer.certificate.subject)}`;
}
