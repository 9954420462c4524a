import { createHash, hash } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificatePath } from '../x509/path.ts';

/** What of a verified path is kept: the leaf's facts and the chain that leads to its anchor. */
export interface ShownCertificate {
  readonly leaf: Certificate;
  readonly fingerprint: Buffer;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly spki: Buffer;
  readonly leafIssuer: Buffer;
  readonly chainId: Buffer;
  /** DER, lowest first. */
  readonly intermediates: readonly Uint8Array[];
}

export function shownCertificate(path: CertificatePath): ShownCertificate {
  const { leaf } = path;
  return {
    leaf,
    fingerprint: Buffer.from(leaf.fingerprint, 'hex'),
    spki: hash('sha256', leaf.publicKey.spki, 'buffer'),
    leafIssuer: leafIssuerOf(leaf),
    chainId: chainIdOf(path),
    intermediates: path.intermediates.map(({ der }) => der),
  };
}

export function leafIssuerOf(leaf: Certificate): Buffer {
  return hash('sha256', leaf.issuer.der, 'buffer');
}

const chainIds = new WeakMap<CertificatePath, Buffer>();

/** Names a chain by the issuer name of its leaf and the fingerprints of its intermediates. */
export function chainIdOf(path: CertificatePath): Buffer {
  let id = chainIds.get(path);
  if (id === undefined) {
    const digest = createHash('sha256').update(leafIssuerOf(path.leaf));
    for (const { fingerprint } of path.intermediates) digest.update(fingerprint, 'hex');
    id = digest.digest();
    chainIds.set(path, id);
  }
  return id;
}
