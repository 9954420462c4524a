import { normalAddress } from '../fleet/addresses.ts';
import type { Suspect } from '../fleet/suspicions.ts';
import type { Admission } from './admission.ts';

/** Admissions whose connections are open, by device. */
export interface OpenAdmissions {
  /** Tells of a device that is here from another address already. */
  add(admission: Admission): void;
  delete(admission: Admission): void;
  values(): Iterable<Admission>;
  of(deviceId: string): Iterable<Admission>;
}

export function createOpenAdmissions(suspect: Suspect): OpenAdmissions {
  const all = new Set<Admission>();
  const byDevice = new Map<string, Set<Admission>>();
  return {
    add: (admission) => {
      const { deviceId } = admission;
      const others = byDevice.get(deviceId) ?? new Set();
      const address = placeOf(admission);
      const elsewhere = [...others].find((other) => placeOf(other) !== address);
      if (elsewhere !== undefined) suspect({ deviceId, kind: 'two_addresses', evidence: bothOf(admission, elsewhere) });
      all.add(admission);
      byDevice.set(deviceId, others.add(admission));
    },
    delete: (admission) => {
      all.delete(admission);
      const others = byDevice.get(admission.deviceId);
      others?.delete(admission);
      if (others?.size === 0) byDevice.delete(admission.deviceId);
    },
    values: () => all.values(),
    of: (deviceId) => byDevice.get(deviceId) ?? [],
  };
}

/** The address in the one form that it is compared in. */
export function placeOf({ handshake: { remoteAddress } }: Admission): string {
  return normalAddress(remoteAddress) ?? remoteAddress;
}

function bothOf(now: Admission, before: Admission): Parameters<Suspect>[0]['evidence'] {
  return {
    address: placeOf(now),
    otherAddress: placeOf(before),
    otherSince: before.at.toISOString(),
    fingerprint: now.fingerprint,
    otherFingerprint: before.fingerprint,
    listener: now.handshake.listener,
    otherListener: before.handshake.listener,
    connectionId: now.handshake.connectionId,
    otherConnectionId: before.handshake.connectionId,
  };
}
