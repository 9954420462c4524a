import type { Certificate } from '../x509/certificate.ts';
import { nameToString } from '../x509/name.ts';
import { purposes } from '../x509/oids.ts';
import { findingsOf, type Profile } from '../x509/profile.ts';
import { keyToString } from '../x509/public-key.ts';
import { extensionText } from './extension-text.ts';
import { momentText, type StructureView, type ViewLine, type ViewMark } from './structure-view.ts';

/**
 * A certificate, and what it breaks of the profile by itself. The file may hold its issuer too; without it, what hangs
 * on the issuer's key is left out.
 */
export function certificateView(
  certificate: Certificate,
  profile: Profile,
  others: readonly Certificate[],
): StructureView {
  const { subject, issuer, serialNumber, version, notBefore, notAfter, publicKey, signature } = certificate;
  const consistent = signature.consistent ? '' : ' (another is named inside)';
  const lines: ViewLine[] = [
    ['subject', nameToString(subject) || '(none)'],
    ['issuer', nameToString(issuer) || '(none)'],
    ['serial number', serialNumber],
    ['version', String(version)],
    ['validity', `${momentText(notBefore)} to ${momentText(notAfter)}`],
    ['key', keyToString(publicKey)],
    ['signature', `${signature.algorithm.name}${consistent}`],
    ['SHA-256', certificate.fingerprint],
    ...certificate.extensions.all.map((extension): ViewLine => {
      const critical = extension.critical ? '(critical) ' : '';
      return [extension.name ?? extension.oid, critical + extensionText(extension, certificate.extensions)];
    }),
  ];
  const marks = marksOf(certificate, profile, others);
  return { title: `Certificate of ${nameToString(subject) || 'nobody'}`, lines, marks };
}

function marksOf(certificate: Certificate, profile: Profile, others: readonly Certificate[]): ViewMark[] {
  const role = certificate.extensions.basicConstraints?.ca === true ? 'ca' : 'leaf';
  const sameName = (a: Certificate['subject'], b: Certificate['subject']): boolean =>
    Buffer.compare(a.der, b.der) === 0;
  const issuer = others.find((other) => sameName(other.subject, certificate.issuer)) ?? certificate;
  const issuesLeaf = others.some(
    (other) => other.extensions.basicConstraints?.ca !== true && sameName(other.issuer, certificate.subject),
  );
  const subject = { certificate, issuer, role, issuesLeaf, purpose: purposes.clientAuth } as const;
  return findingsOf(profile, subject).map(({ level, rule, message }) => {
    return { level, rule: rule.name, clause: rule.clause, message };
  });
}
