import type { Certificate } from '../../x509/certificate.ts';
import type { CertificateStatus } from '../../x509/certificate-status.ts';
import { judgeByCrls } from '../../x509/crl-judgement.ts';
import { judgePath } from '../../x509/path.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { profiles } from '../../x509/profile.ts';
import type { Facts } from './facts.ts';
import { certificatesOf, type SourceQuestion } from './statuses.ts';

/** What is known of a responder that its CA appointed without vouching for its lifetime (REV-24, RFC 6960 4.2.2.2.1). */
export type DelegateStatus = (question: SourceQuestion, delegate: Certificate) => CertificateStatus | undefined;

/** By the CRLs at hand, never by OCSP again: it would be asked about itself. */
export function createDelegateStatus(anchors: readonly PathAnchor[], facts: () => Facts | undefined): DelegateStatus {
  const relaxed = new Map(anchors.map((anchor) => [anchor.name, [{ ...anchor, profile: profiles.rfc5280 }]]));
  return ({ policy, path, index, at }, delegate) => {
    const own = relaxed.get(path.anchorName);
    const held = [...(facts()?.crls.values() ?? [])].flat().filter(({ anchor }) => anchor === path.anchorName);
    if (own === undefined || held.length === 0) return undefined;
    const chain = [delegate, ...certificatesOf(path).slice(index + 1)].map(({ der }) => der);
    const result = judgePath({ chain, anchors: own, at, purpose: 'any' });
    if (!result.ok) return undefined;
    return judgeByCrls({
      path: result.path,
      crls: held.map(({ list }) => list),
      anchors: own,
      signers: held.flatMap(({ signers }) => signers),
      at,
      options: { grace: policy.grace },
    }).status;
  };
}
