import type { UnknownCause } from './certificate-status.ts';
import type { CertificateList } from './crl.ts';
import type { CrlOptions } from './crl-question.ts';

/** Why a CRL does not count now. */
export interface CrlFault {
  readonly cause: UnknownCause;
  readonly detail: string;
}

type Freshness = Pick<CrlOptions, 'clockSkew' | 'grace' | 'maxAge' | 'maxAgeWithoutNextUpdate'>;

/** REV-15: whether a CRL is of now; both ends included. */
export function freshnessFault(crl: CertificateList, at: Date, options: Freshness): CrlFault | undefined {
  const now = at.getTime();
  const { thisUpdate, nextUpdate } = crl;
  const issued = thisUpdate.getTime();
  // Each comparison is written so that a time that is no time (NaN) makes a fault.
  if (!(issued <= now + options.clockSkew))
    return { cause: 'not-yet-valid', detail: `thisUpdate ${thisUpdate.toISOString()} is in the future` };
  // RFC 5280 6.3.3 (a)
  if (nextUpdate !== undefined && !(now <= nextUpdate.getTime() + options.grace))
    return { cause: 'stale', detail: `nextUpdate ${nextUpdate.toISOString()} has passed` };
  const most = Math.min(options.maxAge, nextUpdate === undefined ? options.maxAgeWithoutNextUpdate : Infinity);
  if (now - issued <= most) return undefined;
  const why = nextUpdate === undefined ? 'it has no nextUpdate and is' : 'it is';
  return { cause: 'stale', detail: `${why} older than ${most / 1000} s` };
}

/** What must be remembered of the CRL held before it under the same issuer, scope and kind (complete or delta). */
export interface Predecessor {
  readonly number: bigint | undefined;
  readonly thisUpdate: Date;
}

/**
 * REV-15, RFC 5280 5.2.3: how a CRL goes back behind the one before, as an old list does that is played again; it must
 * not replace the newer one. Undefined: it goes on.
 */
export function rollbackOf({ thisUpdate, extensions }: CertificateList, before: Predecessor): string | undefined {
  const number = extensions.cRLNumber;
  if (number !== undefined && before.number !== undefined && number < before.number)
    return `its CRLNumber is ${number}, and ${before.number} came before`;
  if (thisUpdate < before.thisUpdate)
    return `its thisUpdate is ${thisUpdate.toISOString()}, and ${before.thisUpdate.toISOString()} came before`;
  return undefined;
}
