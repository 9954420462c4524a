import { type CrlLoadFault, createCrlLoader } from '../crl-loading.ts';
import type { ReadCrl } from './held-crls.ts';

/** A CRL that is none, or too large to be read. */
export class CrlUnreadable extends Error {
  override readonly name = 'CrlUnreadable';
  readonly fault: CrlLoadFault;
  constructor(fault: CrlLoadFault) {
    super(fault.detail);
    this.fault = fault;
  }
}

/** Whoever lets a CRL in has weighed its size; this only bounds what a thread would try. */
const mostBytes = 1024 * 1024 * 1024;

const loader = createCrlLoader();

/** Reads a CRL from its parts, a big one in a thread. Rejects with `CrlUnreadable`. */
export const readCrl: ReadCrl = async (parts, signers) => {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  const bytes = all.length === 1 && all[0] !== undefined ? all[0] : new Uint8Array(Buffer.concat(all));
  // Joined bytes are nobody else's.
  const result = await loader.load({ bytes, handOver: all.length > 1 }, { signers, mostBytes });
  if (!result.ok) throw new CrlUnreadable(result);
  return result.crl;
};
