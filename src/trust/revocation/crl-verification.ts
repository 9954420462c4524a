import type { Certificate } from '../../x509/certificate.ts';
import { type CertificateList, verdictKey } from '../../x509/crl.ts';
import { namesEqual } from '../../x509/name.ts';
import { judgePath } from '../../x509/path.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { profiles } from '../../x509/profile.ts';
import { verifySignature } from '../../x509/signature.ts';

export type CrlVerification =
  | {
      readonly ok: true;
      /** Name of the anchor that its signer leads to. */
      readonly anchor: string;
      /** The signer, unless it is the anchor itself, and the CAs above it. */
      readonly signers: readonly Certificate[];
    }
  /** `signer-unknown`: who shows a certificate of its issuer may settle it. */
  | { readonly ok: false; readonly cause: 'signer-unknown' | 'bad-signature'; readonly detail: string };

const mostCandidates = 64;

/**
 * Who signed a CRL, before it is kept: without a signer below one of the anchors it could be anybody's. Whether it may
 * speak of a certificate is judged each time it is asked.
 */
export function verifyCrl(
  list: CertificateList,
  anchors: readonly PathAnchor[],
  certificates: readonly Certificate[],
  at: Date,
): CrlVerification {
  let detail: string | undefined;
  for (const { name, certificates: own } of anchors)
    for (const certificate of own.filter((one) => namesEqual(one.subject, list.issuer))) {
      const fault = signatureFault(list, certificate);
      if (fault === undefined) return { ok: true, anchor: name, signers: [] };
      detail = fault;
    }
  const relaxed = anchors.map((anchor) => ({ ...anchor, profile: profiles.rfc5280 }));
  const candidates = certificates.filter((one) => namesEqual(one.subject, list.issuer)).slice(0, mostCandidates);
  for (const candidate of candidates) {
    const fault = signatureFault(list, candidate);
    if (fault !== undefined) {
      detail = fault;
      continue;
    }
    const chain = [candidate, ...certificates.filter((one) => one !== candidate)].slice(0, 100).map(({ der }) => der);
    const result = judgePath({ chain, anchors: relaxed, at, purpose: 'any' });
    if (result.ok)
      return { ok: true, anchor: result.path.anchorName, signers: [candidate, ...result.path.intermediates] };
    detail = `its signer has no path to an anchor: ${result.failures[0].message}`;
  }
  if (detail === undefined)
    return { ok: false, cause: 'signer-unknown', detail: 'no CA certificate of its issuer is known' };
  return { ok: false, cause: 'bad-signature', detail };
}

function signatureFault(list: CertificateList, signer: Certificate): string | undefined {
  const { keyUsage } = signer.extensions;
  // RFC 5280 6.3.3 (f)
  if (keyUsage !== undefined && !keyUsage.includes('cRLSign')) return 'the key of its issuer may not sign CRLs';
  const { signed, verdicts, algorithm, consistent, value } = list.signature;
  if (!consistent) return 'it names two different signature algorithms';
  const known = verdicts.get(verdictKey(signer.publicKey.spki));
  if (known === undefined && signed === undefined) return 'it was not verified with the key of this issuer';
  const verdict =
    known ?? verifySignature({ algorithm, consistent, value, signed: signed ?? new Uint8Array() }, signer.publicKey);
  return verdict === 'good' ? undefined : `its signature is not of its issuer (${verdict.replaceAll('_', ' ')})`;
}
