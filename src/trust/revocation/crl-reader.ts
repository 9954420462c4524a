import { parseCrl } from '../../x509/crl.ts';
import type { ReadCrl } from './held-crls.ts';

/** Reads a CRL from its parts. */
export const readCrl: ReadCrl = async (parts) => {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return parseCrl(new Uint8Array(Buffer.concat(all)));
};
