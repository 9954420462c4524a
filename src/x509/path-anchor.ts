import type { Certificate } from './certificate.ts';
import { isProcessed, neverCritical } from './critical-extensions.ts';
import { comparisonKeys, type Name } from './name.ts';
import type { PathDetail } from './path-failure.ts';
import type { Profile } from './profile.ts';
import { outsideValidity } from './validity.ts';

/** A trust anchor of the operator: one name, one profile, any number of certificates, not necessarily self-signed. */
export interface PathAnchor {
  readonly name: string;
  readonly certificates: readonly Certificate[];
  /** CA certificates that help to build paths and are no anchors themselves. */
  readonly intermediates?: readonly Certificate[];
  readonly profile: Profile;
  /** Accept these anchors outside their validity. */
  readonly acceptExpired: boolean;
}

/** One certificate of one anchor. */
export interface AnchorCertificate {
  readonly anchor: PathAnchor;
  readonly certificate: Certificate;
}

/** The key under which certificates are found by a name (RFC 5280 7.1). */
export function nameKey(name: Name): string {
  let key = nameKeys.get(name);
  if (key === undefined) {
    key = comparisonKeys(name).join('\n');
    nameKeys.set(name, key);
  }
  return key;
}

const nameKeys = new WeakMap<Name, string>();

export interface AnchorIndex {
  readonly bySubject: ReadonlyMap<string, readonly AnchorCertificate[]>;
  readonly fingerprints: ReadonlyMap<string, readonly AnchorCertificate[]>;
  readonly intermediates: readonly Certificate[];
}

const indexes = new WeakMap<readonly PathAnchor[], AnchorIndex>();

/** The anchors by subject; built once for each list, which must not change afterwards. */
export function indexAnchors(anchors: readonly PathAnchor[]): AnchorIndex {
  let index = indexes.get(anchors);
  if (index === undefined) {
    const all = anchors.flatMap((anchor) => anchor.certificates.map((certificate) => ({ anchor, certificate })));
    index = {
      bySubject: Map.groupBy(all, ({ certificate }) => nameKey(certificate.subject)),
      fingerprints: Map.groupBy(all, ({ certificate }) => certificate.fingerprint),
      intermediates: anchors.flatMap(({ intermediates }) => intermediates ?? []),
    };
    indexes.set(anchors, index);
  }
  return index;
}

/**
 * Whether a certificate may serve as an anchor now. The RFC takes a name and a key (6.1.1 (d)) and leaves the form of
 * the anchor open; its own signature is never judged, because trust in it came by another way.
 */
export function anchorFault(
  { anchor, certificate }: AnchorCertificate,
  at: Date,
): { detail: PathDetail; clause: string; message: string } | undefined {
  const { extensions, version } = certificate;
  if (certificate.subject.rdns.length === 0)
    return { detail: 'anchor_not_a_ca', clause: 'RFC 5280 6.1.1 (d)(1)', message: 'the anchor has no name' };
  if (version === 3 && extensions.all.length > 0) {
    if (extensions.basicConstraints?.ca !== true)
      return { detail: 'anchor_not_a_ca', clause: 'RFC 5280 4.2.1.9', message: 'the anchor is no CA' };
    if (extensions.keyUsage !== undefined && !extensions.keyUsage.includes('keyCertSign'))
      return { detail: 'key_cert_sign', clause: 'RFC 5280 4.2.1.3', message: 'the anchor may not sign certificates' };
  }
  const wrong = extensions.all.find(
    (extension) => extension.critical && (!isProcessed(extension) || neverCritical.some((n) => n === extension.name)),
  );
  if (wrong !== undefined)
    return {
      detail: 'anchor_critical_extension',
      clause: 'RFC 5280 4.2',
      message: `the anchor has the critical extension ${wrong.name ?? wrong.oid}, which is unknown or must not be critical`,
    };
  const outside = anchor.acceptExpired ? undefined : outsideValidity(certificate, at);
  if (outside === undefined) return undefined;
  const detail = outside === 'expired' ? 'anchor_expired' : 'anchor_not_yet_valid';
  return { detail, clause: 'RFC 5280 6.1.1 (d)', message: `the anchor is ${outside.replaceAll('_', ' ')}` };
}
