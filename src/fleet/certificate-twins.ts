import type { Queryable } from '../platform/postgres.ts';
import { keyElsewhere, type KnownCertificateRow } from './admission-queries.ts';
import type { ShownCertificate } from './shown-certificate.ts';
import type { Suspicion } from './suspicions.ts';

/** A renewal comes late in a certificate's life; a second one with more than this part of it left is no renewal. */
const renewalFrom = 1 / 3;

/** Another certificate of the same key that has no good reason to be: what it is, as evidence. */
export async function twinOf(
  tx: Queryable,
  deviceId: string,
  shown: ShownCertificate,
  known: readonly KnownCertificateRow[],
  at: Date,
): Promise<Suspicion | undefined> {
  const { leaf } = shown;
  const spki = shown.spki.toString('hex');
  const evidence = { fingerprint: leaf.fingerprint, serialNumber: leaf.serialNumber, keyFingerprint: spki };
  const twin = known.find((one) => one.spki === spki && one.serialNumber !== leaf.serialNumber && inMidLife(one, at));
  if (twin !== undefined)
    return {
      deviceId,
      kind: 'certificate_twin',
      evidence: { ...evidence, twinFingerprint: twin.fingerprint, twinSerialNumber: twin.serialNumber },
    };
  const { rows } = await tx.query<{ deviceId: string; fingerprint: string }>(keyElsewhere(deviceId, shown.spki));
  const [other] = rows;
  if (other === undefined) return undefined;
  return {
    deviceId,
    kind: 'certificate_twin',
    evidence: { ...evidence, twinFingerprint: other.fingerprint, twinDevice: other.deviceId },
  };
}

function inMidLife({ notBefore, notAfter }: KnownCertificateRow, at: Date): boolean {
  const left = notAfter.getTime() - at.getTime();
  return left > (notAfter.getTime() - notBefore.getTime()) * renewalFrom;
}
