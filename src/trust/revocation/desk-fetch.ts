import type { Egress } from '../../platform/egress/egress.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import { PemError } from '../../x509/pem.ts';
import { isOcsp, type PolicyDocument, type RevocationPolicy, type RevocationSource } from '../revocation-policy.ts';
import { derOfCrl, single } from './crl-fetch.ts';
import { CrlUnreadable } from './crl-reader.ts';
import { crlRequest, signersOf } from './crl-request.ts';
import { verifyCrl } from './crl-verification.ts';
import type { Facts } from './facts.ts';
import type { HeldCrl, ReadCrl } from './held-crls.ts';

export interface DeskFetch {
  readonly egress: Egress;
  readonly readCrl: ReadCrl;
  readonly anchors: readonly PathAnchor[];
  /** CA certificates that may have signed what is there. */
  readonly certificates: readonly Certificate[];
}

/**
 * The facts with the CRLs that a policy names and no node has fetched yet, so that it can be weighed before it is in
 * force. Nothing is kept; what cannot be had stays unknown.
 */
export async function withNamedCrls(
  parts: DeskFetch,
  facts: Facts,
  document: PolicyDocument,
  at: Date,
): Promise<Facts> {
  const named = document.anchors.flatMap((policy) =>
    policy.sources
      .filter((source) => source.url !== undefined && !isOcsp(source) && !facts.crls.has(source.url))
      .map((source) => ({ policy, source, url: source.url ?? '' })),
  );
  const crls = new Map(facts.crls);
  for (const { policy, source, url } of named) {
    const held = await fetchOne(parts, policy, source, url, at);
    if (held !== undefined) crls.set(url, [held]);
  }
  return { ...facts, crls };
}

async function fetchOne(
  { egress, readCrl, anchors, certificates }: DeskFetch,
  policy: RevocationPolicy,
  source: RevocationSource,
  url: string,
  at: Date,
): Promise<HeldCrl | undefined> {
  const timeout = source.timeout ?? policy.timeout;
  const result = await egress.fetch(crlRequest(source, { url, maxBytes: policy.limits.crlBytes, timeout }));
  if (result.kind !== 'answer' || result.status !== 200) return undefined;
  const candidates = [...signersOf(source), ...certificates];
  try {
    const own = anchors.flatMap((anchor) => anchor.certificates);
    const list = await readCrl(single(derOfCrl(result.body)), [...candidates, ...own]);
    const verified = verifyCrl(list, anchors, candidates, at);
    return verified.ok ? { list, anchor: verified.anchor, signers: verified.signers } : undefined;
  } catch (error) {
    if (error instanceof CrlUnreadable || error instanceof PemError) return undefined;
    throw error;
  }
}
