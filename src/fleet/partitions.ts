import type { Logger } from 'pino';
import type { Database, Queryable } from '../platform/postgres.ts';
import { ensurePartitionsQuery } from './partitions-queries.ts';

/**
 * Makes the partitions of now and of the coming weeks; answers how many were new. Call it at start, before the first
 * row is written, and once a day. Several nodes may call it at once.
 */
export async function ensurePartitions(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ made: number }>(ensurePartitionsQuery);
  return rows[0]?.made ?? 0;
}

const partitionsEvery = 6 * 3_600_000;

/** Makes those of the time ahead, again and again; answers how to stop. */
export function keepPartitions(db: Database, logger: Logger): () => void {
  const timer = setInterval(() => {
    ensurePartitions(db).catch((error) => logger.error({ err: error }, 'partitions could not be made'));
  }, partitionsEvery).unref();
  return () => clearInterval(timer);
}
