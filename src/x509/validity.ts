import type { Certificate } from './certificate.ts';

/** RFC 5280 4.1.2.5: from notBefore through notAfter, both inclusive, to the second; fractions of `at` are cut. */
export function outsideValidity(
  { notBefore, notAfter }: Certificate,
  at: Date,
): 'expired' | 'not_yet_valid' | undefined {
  const second = Math.floor(at.getTime() / 1000) * 1000;
  if (second < notBefore.getTime()) return 'not_yet_valid';
  // Written so that a time that is no time (NaN) is outside.
  return second <= notAfter.getTime() ? undefined : 'expired';
}
