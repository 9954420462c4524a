import { hash } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { awaitsAnswer, dropSession, forgetSessions, keepSession, takeSession } from './session-queries.ts';

/** A session that may go on elsewhere. */
export interface KeptSession {
  readonly cookie: Buffer;
  readonly fingerprint: string;
  readonly session: unknown;
  readonly expiresAt: Date;
}

/**
 * Sessions that any node may go on with: kept when their connection is gone, and (by `markSent`) whenever the device
 * owes an answer. One kept session a device, found by the device, its certificate and its cookie.
 */
export interface SessionArchive {
  keep(deviceId: string, kept: KeptSession): Promise<void>;
  /** The session is the caller's from then on, and nobody else's; undefined: there is none, or another one has it. */
  take(deviceId: string, cookie: string, fingerprint: string): Promise<unknown>;
  drop(deviceId: string, cookie: string): Promise<void>;
  /** Whether there is such a session, and its device owes it an answer. */
  awaits(deviceId: string, cookie: string, fingerprint: string): Promise<boolean>;
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
    awaits: async (deviceId, cookie, fingerprint) => {
      const query = awaitsAnswer(deviceId, cookieDigest(cookie), Buffer.from(fingerprint, 'hex'), clock.now());
      return (await db.query(query)).rows.length > 0;
    },
  };
}

/** Of devices that never came back. */
export async function forgetOldSessions(db: Database, at: Date): Promise<void> {
  await db.query(forgetSessions(at));
}
