import { open } from 'node:fs/promises';
import { readPem, PemError } from '../x509/pem.ts';
import { exitCodes, failure } from './failure.ts';

/** Files that a person names on the command line: read within bounds, and clear about what is wrong with them. */

const mostBytes = 8 * 1024 * 1024;

/** The octets of a file, of a pipe, or of standard input ("-"). Ends the command with exit code 2 when it cannot. */
export async function readOperatorFile(path: string, most = mostBytes): Promise<Uint8Array> {
  try {
    const file = await open(path === '-' ? '/dev/stdin' : path);
    try {
      const parts: Buffer[] = [];
      let length = 0;
      // Unlike readFile this ends where a device or a pipe does not.
      for await (const part of file.createReadStream({ end: most, autoClose: false })) {
        parts.push(part as Buffer);
        length += (part as Buffer).length;
      }
      if (length > most)
        throw failure(exitCodes.usage, `${path} is larger than ${most} bytes`, 'is it the right file?');
      return Buffer.concat(parts);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw failure(exitCodes.usage, `${path} cannot be read: ${error.message}`, 'check the path and who may read it');
  }
}

/** The DER of what a file holds under one label: every block of PEM, or the one structure of a file in DER. */
export function derOf(bytes: Uint8Array, path: string, label: string): readonly Uint8Array[] {
  if (looksLikeDer(bytes)) return [bytes];
  try {
    return readPem(Buffer.from(bytes).toString('latin1'), label);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    throw failure(exitCodes.usage, `${path}: ${error.message}`, `give PEM (-----BEGIN ${label}-----) or DER`);
  }
}

/** A SEQUENCE with the length of the file; no text begins so. */
export function looksLikeDer(bytes: Uint8Array): boolean {
  const [tag, length] = bytes;
  if (tag !== 0x30 || length === undefined) return false;
  // The short form is that of an OCSP answer that is an error.
  return length === bytes.length - 2 || (length >= 0x80 && length <= 0x84);
}
