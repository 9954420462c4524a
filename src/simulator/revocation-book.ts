import { readFile, rename, writeFile } from 'node:fs/promises';
import { parseCertificate, type Certificate } from '../x509/certificate.ts';
import { type RevocationReason, revocationReasons } from '../x509/certificate-status.ts';
import { namesEqual } from '../x509/name.ts';
import { verifySignature } from '../x509/signature.ts';
import type { RevokedCertificate } from './crl-minting.ts';
import type { Authority } from './development-authorities.ts';

/** What the CAs of a development PKI took back, kept in a file beside it from one command to the next. */
export interface BookEntry extends RevokedCertificate {
  /** `acme-issuing` */
  readonly authority: string;
}

/** Empty where there is no file yet. Throws on a file that is something else. */
export async function readBook(file: string): Promise<readonly BookEntry[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]';
    throw error;
  });
  const entries: unknown = JSON.parse(text);
  if (!Array.isArray(entries)) throw new Error(`${file} is no list of revoked certificates`);
  return entries.map((entry: unknown) => entryOf(entry, file));
}

function entryOf(entry: unknown, file: string): BookEntry {
  const { authority, serialNumber, revokedAt, reason } = (entry ?? {}) as Record<string, unknown>;
  const at = new Date(String(revokedAt));
  const known = revocationReasons.find((one) => one === reason);
  if (typeof authority !== 'string' || typeof serialNumber !== 'string' || known === undefined || Number.isNaN(+at))
    throw new Error(`${file} is no list of revoked certificates`);
  return { authority, serialNumber, revokedAt: at, reason: known };
}

/** Adds an entry, or replaces the one of the same certificate. */
export async function writeEntry(file: string, entry: BookEntry): Promise<void> {
  const others = (await readBook(file)).filter(
    ({ authority, serialNumber }) => authority !== entry.authority || serialNumber !== entry.serialNumber,
  );
  const draft = `${file}.new`;
  await writeFile(draft, `${JSON.stringify([...others, entry], null, 2)}\n`);
  await rename(draft, file);
}

/** The CA of the development PKI that issued a certificate; undefined if none did. */
export function issuerAmong(authorities: readonly Authority[], certificate: Certificate): Authority | undefined {
  return authorities.find((authority) => {
    const { subject, publicKey } = parseCertificate(authority.certificate);
    return namesEqual(subject, certificate.issuer) && verifySignature(certificate.signature, publicKey) === 'good';
  });
}

export function bookEntry(
  authority: Authority,
  certificate: Certificate,
  at: Date,
  reason: RevocationReason,
): BookEntry {
  return { authority: authority.name, serialNumber: certificate.serialNumber, revokedAt: at, reason };
}
