import type { AdmissionRecords } from '../fleet/admission-records.ts';
import { leafIssuerOf } from '../fleet/shown-certificate.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificatePath } from '../x509/path.ts';

/**
 * Intermediates of verified paths by the issuer of their leaves: what a resumed session, which shows its leaf alone,
 * is judged with. All cells of a manufacturer share them, so a few entries serve a fleet. They are proposals only:
 * the judgement is made in full each time.
 */
export interface ChainMemory {
  /** From memory; empty when nothing is known. */
  recall(leaf: Certificate): readonly Uint8Array[];
  /** From the register, for a leaf that memory did not serve. Rejects when the database does. */
  load(leaf: Certificate): Promise<readonly Uint8Array[]>;
  remember(path: CertificatePath): void;
}

const mostIssuers = 4096;
const mostCertificates = 16;

export function createChainMemory(records: Pick<AdmissionRecords, 'findChains'>): ChainMemory {
  const byIssuer = new Map<string, Map<string, Uint8Array>>();
  const seen = new WeakSet<CertificatePath>();

  return {
    recall: (leaf) => [...(byIssuer.get(issuerKey(leaf))?.values() ?? [])],
    load: async (leaf) => {
      const chains = await records.findChains(Buffer.from(leaf.fingerprint, 'hex'), leafIssuerOf(leaf));
      return chains.flat();
    },
    remember: (path) => {
      const { leaf, intermediates } = path;
      if (intermediates.length === 0 || seen.has(path)) return;
      seen.add(path);
      const key = issuerKey(leaf);
      const known = byIssuer.get(key) ?? new Map<string, Uint8Array>();
      if (!byIssuer.has(key)) {
        if (byIssuer.size >= mostIssuers) return;
        byIssuer.set(key, known);
      }
      for (const { fingerprint, der } of intermediates) {
        if (known.size >= mostCertificates) return;
        if (!known.has(fingerprint)) known.set(fingerprint, der);
      }
    },
  };
}

function issuerKey(leaf: Certificate): string {
  return Buffer.from(leaf.issuer.der).toString('latin1');
}
