import type { Queryable } from '../platform/postgres.ts';
import { ensurePartitionsQuery } from './partitions-queries.ts';

/**
 * Makes the partitions of now and of the coming weeks; answers how many were new. Call it at start, before the first
 * row is written, and once a day. Several nodes may call it at once.
 */
export async function ensurePartitions(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ made: number }>(ensurePartitionsQuery);
  return rows[0]?.made ?? 0;
}
