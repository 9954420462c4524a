import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';
import type { EventBus } from '../platform/events.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import { insertSuspicion, suspicionsBetween } from './suspicion-queries.ts';

export const suspicionKinds = [
  /** An identity shows a key beside its approved one. */
  'two_keys',
  /** Connections of one device from two addresses are open at once. */
  'two_addresses',
  /** An OUI or serial other than its own, or another's. */
  'two_claims',
  /** A certificate with a key that another one has: of another device, or of another serial number in mid-life. */
  'certificate_twin',
  /** A retired or replaced device comes back. */
  'gone_device_returned',
  /** It came with the link to a file that was made for another device. */
  'foreign_file_link',
] as const;

export type SuspicionKind = (typeof suspicionKinds)[number];

export interface Suspicion {
  readonly deviceId: string;
  readonly kind: SuspicionKind;
  /** What was seen; what the register knew is added when it is written. */
  readonly evidence: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
}

/** Takes note of a suspicion; nothing is decided by it. Never throws, and nobody waits for it. */
export type Suspect = (suspicion: Suspicion) => void;

export interface Suspicions {
  readonly suspect: Suspect;
  /** Resolves when everything noted is written, or could not be. */
  close(): Promise<void>;
}

export interface SuspicionDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** The same suspicion of one device is told again after an hour: a cell that retries must not flood its own record. */
const silentFor = 3_600_000;
/** A suspicion is of the same moment as the decision that goes with it, give or take the nodes’ clocks. */
const writtenWithin = 5000;
const mostRemembered = 50_000;
/** Rows on their way to the database; what comes on top is counted and told, and not written. */
const mostUnderWay = 200;

export function createSuspicions({ db, clock, events, logger, metrics }: SuspicionDeps): Suspicions {
  const told = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  const counter = new Counter({
    name: 'hems_fleet_suspicions_total',
    help: 'Signs that a device is not who it was, by kind; each device and kind once an hour',
    labelNames: ['kind'] as const,
    registers: [metrics],
  });
  for (const kind of suspicionKinds) counter.inc({ kind }, 0);

  function isNew(key: string, now: number): boolean {
    const last = told.get(key);
    if (last !== undefined && now - last < silentFor) return false;
    told.delete(key);
    if (told.size >= mostRemembered) for (const oldest of told.keys()) return told.delete(oldest) && remember(key, now);
    return remember(key, now);
  }

  function remember(key: string, now: number): boolean {
    told.set(key, now);
    return true;
  }

  return {
    suspect: (suspicion) => {
      const at = clock.now();
      const { deviceId, kind, evidence } = suspicion;
      if (!isNew(`${deviceId} ${kind}`, at.getTime())) return;
      counter.inc({ kind });
      events.publish({ kind: 'suspicion', at, deviceId, suspicion: kind, evidence });
      logger.warn({ deviceId, suspicion: kind, evidence }, 'a device may not be who it was');
      if (underWay.size >= mostUnderWay) return;
      const written = db.query(insertSuspicion(suspicion, at)).then(
        () => undefined,
        (error) => logger.error({ err: error, deviceId, suspicion: kind }, 'a suspicion could not be written'),
      );
      underWay.add(written);
      void written.finally(() => underWay.delete(written));
    },
    close: async () => {
      await Promise.all(underWay);
    },
  };
}

export interface SuspicionRecord {
  readonly deviceId: string;
  readonly at: Date;
  readonly id: string;
  readonly kind: SuspicionKind;
  readonly evidence: Readonly<Record<string, unknown>>;
}

const mostAround = 20;

/** What was suspected of a device about a moment, newest first: the hour before it too, as each is told once an hour. */
export async function suspicionsAbout(db: Queryable, deviceId: string, at: Date): Promise<readonly SuspicionRecord[]> {
  const [from, until] = [at.getTime() - silentFor, at.getTime() + writtenWithin].map((time) => new Date(time));
  return (await db.query<SuspicionRecord>(suspicionsBetween(deviceId, from ?? at, until ?? at, mostAround))).rows;
}
