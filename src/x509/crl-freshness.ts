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

/** When a CRL stops counting, by the same rules; undefined where nothing ends it. */
export function staleAfter(crl: CertificateList, options: Freshness): Date | undefined {
  const issued = crl.thisUpdate.getTime();
  const byAge =
    issued + Math.min(options.maxAge, crl.nextUpdate === undefined ? options.maxAgeWithoutNextUpdate : Infinity);
  const end = Math.min(byAge, crl.nextUpdate === undefined ? Infinity : crl.nextUpdate.getTime() + options.grace);
  return Number.isFinite(end) ? new Date(end) : undefined;
}

/** What a CRL is to the one held before it under the same issuer, scope and kind (complete or delta). */
export type Succession = 'first' | 'newer' | 'same' | 'rollback';

/** What must be remembered of the CRL held before. */
export type Predecessor = Pick<CertificateList, 'fingerprint' | 'thisUpdate'> & {
  readonly extensions: Pick<CertificateList['extensions'], 'cRLNumber'>;
};

/**
 * REV-15, RFC 5280 5.2.3: CRL numbers only grow. One that is lower, missing where there was one, or the same with an
 * earlier thisUpdate, is a rollback: an old list played again, which must not replace the newer one.
 */
export function successionOf(previous: Predecessor | undefined, next: Predecessor): Succession {
  if (previous === undefined) return 'first';
  if (previous.fingerprint === next.fingerprint) return 'same';
  const [before, after] = [previous.extensions.cRLNumber, next.extensions.cRLNumber];
  if (before !== undefined && (after === undefined || after < before)) return 'rollback';
  if (before !== undefined && after !== undefined && after > before)
    return next.thisUpdate < previous.thisUpdate ? 'rollback' : 'newer';
  return next.thisUpdate < previous.thisUpdate ? 'rollback' : 'newer';
}
