import type { Logger } from 'pino';
import { type Place, placesChannel, readPlace, tellOfPlace } from '../fleet/places.ts';
import type { Suspect } from '../fleet/suspicions.ts';
import type { Database } from '../platform/postgres.ts';
import type { Gate } from './admission.ts';
import { placeOf } from './open-admissions.ts';

export interface PlaceWatch {
  /** Tells all nodes; nobody waits for it. */
  readonly tell: (place: Place) => void;
  /** Holds what other nodes tell against what is open here. Answers how to stop it. */
  watch(gate: Pick<Gate, 'openOf'>, suspect: Suspect): Promise<() => Promise<void>>;
}

/** More addresses that changed than can be told at once are those of a network that moves, and no sign of a clone. */
const mostUnderWay = 100;

/** A device at two addresses at once is a sign of two devices, whichever nodes they came to. */
export function createPlaceWatch({ db, logger }: { readonly db: Database; readonly logger: Logger }): PlaceWatch {
  const underWay = new Set<Promise<void>>();
  return {
    tell: (place) => {
      if (underWay.size >= mostUnderWay) return;
      const told = tellOfPlace(db, place).catch((error) =>
        logger.warn({ err: error }, 'the other nodes were not told'),
      );
      underWay.add(told);
      void told.finally(() => underWay.delete(told));
    },
    watch: async (gate, suspect) => {
      const end = await db.listen(placesChannel, (payload) => {
        const place = readPlace(payload);
        if (place !== undefined) compare(place, gate, suspect);
      });
      return async () => {
        await end();
        await Promise.all(underWay);
      };
    },
  };
}

function compare(place: Place, gate: Pick<Gate, 'openOf'>, suspect: Suspect): void {
  for (const open of gate.openOf(place.deviceId)) {
    const { connectionId, listener } = open.handshake;
    if (connectionId === place.connectionId || placeOf(open) === place.address) continue;
    suspect({
      deviceId: place.deviceId,
      kind: 'two_addresses',
      evidence: {
        ...{ address: place.address, listener: place.listener, connectionId: place.connectionId },
        ...{ fingerprint: place.fingerprint, at: new Date(place.at).toISOString() },
        ...{ otherAddress: placeOf(open), otherListener: listener, otherConnectionId: connectionId },
        ...{ otherFingerprint: open.fingerprint, otherSince: open.at.toISOString() },
      },
    });
    return;
  }
}
