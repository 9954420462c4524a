import { readPem } from './pem.ts';

/** Labels under which CRLs are written; the second is an old one. */
const labels = ['X509 CRL', 'CRL'] as const;

/** Longest PEM text of CRLs that is read: 64 MiB of DER in base64. */
export const mostCrlText = 88 * 1024 * 1024;

/** A SEQUENCE starts DER; text never does so with its first character. */
export function looksLikeDer(bytes: Uint8Array): boolean {
  return bytes[0] === 0x30;
}

/**
 * The DER of every CRL in a file: one in DER, or any number in PEM. Throws `PemError` when the file is neither, saying
 * what is wrong with it.
 */
export function crlBlocks(bytes: Uint8Array): Uint8Array[] {
  if (looksLikeDer(bytes)) return [bytes];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const label = labels.find((candidate) => text.includes(`-----BEGIN ${candidate}-----`)) ?? labels[0];
  return readPem(text, label, mostCrlText);
}
