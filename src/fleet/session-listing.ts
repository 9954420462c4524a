import type { TimePosition } from '../platform/bounded-search.ts';
import type { Queryable } from '../platform/postgres.ts';
import { sessionOf, sessionsOf } from './session-listing-queries.ts';

/** A CWMP session, as its Inform began it. */
export interface SessionRecord {
  readonly id: string;
  readonly at: Date;
  /** Of the decision that let its connection in. */
  readonly admissionId: string;
  readonly cwmpVersion: string;
  readonly events: readonly string[];
  /** CurrentTime as the device wrote it. */
  readonly deviceTime: string;
  readonly retryCount: number;
  readonly maxEnvelopes: number;
  readonly softwareVersion: string | null;
}

export interface SessionListing {
  /** Newest first. */
  list(deviceId: string, before: TimePosition | undefined, limit: number): Promise<readonly SessionRecord[]>;
  get(deviceId: string, id: string): Promise<SessionRecord | undefined>;
}

export function createSessionListing(db: Queryable): SessionListing {
  return {
    list: async (deviceId, before, limit) => (await db.query<SessionRecord>(sessionsOf(deviceId, before, limit))).rows,
    get: async (deviceId, id) => (await db.query<SessionRecord>(sessionOf(deviceId, id))).rows[0],
  };
}
