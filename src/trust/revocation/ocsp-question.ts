import { type Certificate, parseCertificate } from '../../x509/certificate.ts';
import { ocspUrlsOf } from '../../x509/ocsp-pointers.ts';
import { readPem } from '../../x509/pem.ts';
import type { OcspResponder } from '../ocsp-exchange.ts';
import { type RevocationSource, sourceName } from '../revocation-policy.ts';
import type { SourceAnswer } from '../verdict.ts';
import { certificatesOf, type SourceQuestion } from './statuses.ts';

export interface Pair {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

/** The certificate in question and the one above it. */
export function pairOf({ path, index }: SourceQuestion): Pair | undefined {
  const all = [...certificatesOf(path), path.anchor];
  const [certificate, issuer] = [all[index], all[index + 1]];
  return certificate === undefined || issuer === undefined ? undefined : { certificate, issuer };
}

/** The responders of a source for this certificate. */
export function urlsOf(source: RevocationSource, certificate: Certificate): readonly string[] {
  return source.url !== undefined ? [source.url] : ocspUrlsOf(certificate);
}

/** What the policy demands of an answer. */
export function rulesOf({ policy, source }: SourceQuestion): OcspResponder['rules'] {
  const age = source.maxAge ?? policy.maxAge;
  const configured = source.signer === undefined ? [] : readPem(source.signer, 'CERTIFICATE').map(parseCertificate);
  return { sha1: source.sha1, maxAge: age === 'next-update' ? undefined : age, grace: policy.grace, configured };
}

export function noPointer({ source }: SourceQuestion): SourceAnswer {
  return { source: sourceName(source), status: { kind: 'unknown', cause: 'no-pointer' } };
}
