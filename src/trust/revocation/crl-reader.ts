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
  const result = await loader.load({ parts }, { signers, mostBytes });
  if (!result.ok) throw new CrlUnreadable(result);
  return result.crl;
};
