import { hash } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { dropSession, forgetSessions, keepSession, takeSession } from './session-queries.ts';
import type { KeptSession } from './task-queries.ts';

/**
 * Sessions that any node may go on with: kept when their connection is gone, and (by `markSent`) whenever the device
 * owes an answer. One kept session a device, found by the device, its certificate and its cookie.
 */
export interface SessionArchive {
  keep(deviceId: string, kept: KeptSession): Promise<void>;
  /** The session is the caller's from then on, and nobody else's; undefined: there is none, or another one has it. */
  take(deviceId: string, cookie: string, fingerprint: string): Promise<unknown>;
  drop(deviceId: string, cookie: string): Promise<void>;
}

/** What the database knows of a cookie: nobody who reads it there can go on with the session. */
export function cookieDigest(cookie: string): Buffer {
  return Buffer.from(hash('sha256', cookie, 'hex'), 'hex');
}

export function createSessionArchive({ db, clock }: { readonly db: Database; readonly clock: Clock }): SessionArchive {
  return {
    keep: async (deviceId, kept) => {
      await db.query(keepSession(deviceId, kept));
    },
    take: async (deviceId, cookie, fingerprint) => {
      const { rows } = await db.query<{ session: unknown }>(
        takeSession(deviceId, cookieDigest(cookie), Buffer.from(fingerprint, 'hex'), clock.now()),
      );
      return rows[0]?.session;
    },
    drop: async (deviceId, cookie) => {
      await db.query(dropSession(deviceId, cookieDigest(cookie)));
    },
  };
}

/** Of devices that never came back. */
export async function forgetOldSessions(db: Database, at: Date): Promise<void> {
  await db.query(forgetSessions(at));
}
