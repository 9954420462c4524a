import type { Database } from '../../platform/postgres.ts';
import { type Certificate, parseCertificate } from '../../x509/certificate.ts';
import type { CertificateList } from '../../x509/crl.ts';
import { crlBytes, type Holding } from './crl-store.ts';

/** A CRL in use, ready to be asked. */
export interface HeldCrl {
  readonly list: CertificateList;
  readonly anchor: string;
  /** CA certificates that verify it. */
  readonly signers: readonly Certificate[];
}

/** CRLs by where they came from: `upload`, or a URL. */
export type HeldCrls = ReadonlyMap<string, readonly HeldCrl[]>;

/** Reads a stored CRL; a big one away from the event loop. `keys`: SubjectPublicKeyInfo to verify its signature with. */
export type ReadCrl = (parts: AsyncIterable<Uint8Array>, keys: readonly Certificate[]) => Promise<CertificateList>;

/**
 * The CRLs of the holdings: those that were there before are kept, the others are read, one after the other, so that a
 * node needs the memory of one at a time. What cannot be read stands for nothing and is told.
 */
export async function readHoldings(
  db: Database,
  holdings: readonly Holding[],
  before: HeldCrls,
  read: ReadCrl,
  issuers: (holding: Holding) => readonly Certificate[],
  complain: (error: unknown, message: string) => void,
): Promise<HeldCrls> {
  const known = new Map([...before.values()].flat().map((held) => [held.list.fingerprint, held]));
  const result = new Map<string, HeldCrl[]>();
  for (const holding of holdings) {
    const held = known.get(holding.fingerprint) ?? (await readOne(db, holding, read, issuers(holding), complain));
    if (held === undefined) continue;
    known.set(holding.fingerprint, held);
    result.set(holding.origin, [...(result.get(holding.origin) ?? []), held]);
  }
  return result;
}

async function readOne(
  db: Database,
  holding: Holding,
  read: ReadCrl,
  issuers: readonly Certificate[],
  complain: (error: unknown, message: string) => void,
): Promise<HeldCrl | undefined> {
  const signers = holding.signers.map((der) => parseCertificate(der));
  try {
    const list = await read(crlBytes(db, holding.fingerprint), [...signers, ...issuers]);
    if (list.fingerprint !== holding.fingerprint) throw new Error(`the stored CRL ${holding.fingerprint} is damaged`);
    return { list, anchor: holding.anchor, signers };
  } catch (error) {
    complain(error, `the CRL of ${holding.issuer} cannot be used`);
    return undefined;
  }
}
