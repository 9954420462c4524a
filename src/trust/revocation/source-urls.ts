import type { EgressPolicy } from '../../platform/egress/egress-request.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { CertificateList } from '../../x509/crl.ts';
import type { DistributionPoint } from '../../x509/extension-pointers.ts';
import type { RevocationSource } from '../revocation-policy.ts';

/** Somebody who names more wants to be asked for, not to be found. */
const mostUrls = 8;

/** Where the CRLs of a certificate are by its own word (RFC 5280 4.2.1.13, 4.2.1.15), in its order. */
export function distributionUrls({ extensions }: Certificate): readonly string[] {
  const points = [...(extensions.cRLDistributionPoints ?? []), ...(extensions.freshestCRL ?? [])];
  return urlsOf(points);
}

/** Where the deltas of a CRL are (RFC 5280 5.2.6). */
export function deltaUrls({ extensions }: CertificateList): readonly string[] {
  return urlsOf(extensions.freshestCRL ?? []);
}

function urlsOf(points: readonly DistributionPoint[]): readonly string[] {
  const urls = points.flatMap(({ name }) =>
    name?.kind === 'fullName'
      ? name.names.flatMap((one) => (one.kind === 'uniformResourceIdentifier' ? [one.value] : []))
      : [],
  );
  // REV-16: ldap is skipped; nothing else is spoken here.
  return [...new Set(urls)].filter((url) => /^https?:\/\//i.test(url) && url.length <= 2048).slice(0, mostUrls);
}

/** What the policy allows a source to call. */
export function egressOf(source: RevocationSource): EgressPolicy {
  const proxy = source.proxy === undefined ? {} : { proxy: source.proxy };
  if (source.url !== undefined) {
    const { host } = new URL(source.url);
    return { hosts: [host], privateHosts: [host], redirects: 3, ...proxy };
  }
  if (source.hosts === undefined) return { redirects: 3, ...proxy };
  return {
    hosts: source.hosts,
    privateHosts: source.hosts.filter((host) => !host.startsWith('*')),
    redirects: 3,
    ...proxy,
  };
}
