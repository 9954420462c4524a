import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../platform/embedded-postgres.ts';
import { migrate, migrationState } from '../platform/migrations.ts';
import { type Database, openPool } from '../platform/postgres.ts';
import { exitCodes, failure } from './failure.ts';

export const migrationsDirectory = fileURLToPath(new URL('../../migrations', import.meta.url));

export interface OpenDatabase {
  readonly db: Database;
  /** Absent when the configuration names a database. */
  readonly embedded?: EmbeddedPostgres;
  close(): Promise<void>;
}

export interface AccessOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics?: Registry;
  /** Bring the schema up to date; always so for the embedded one, which nobody else looks after. */
  readonly migrate?: boolean;
}

/** The configured database, or the embedded one of the data directory, started if nothing runs it. */
export async function openDatabase(options: AccessOptions): Promise<OpenDatabase> {
  const { config, logger } = options;
  const { url } = config.database;
  const embedded = url === undefined ? await startEmbeddedPostgres({ dataDir: config.dataDir, logger }) : undefined;
  const db = openPool({
    url: url ?? embedded?.url ?? '',
    poolSize: config.database.poolSize,
    logger,
    ...(options.metrics !== undefined && { metrics: options.metrics }),
  });
  const close = async (): Promise<void> => {
    await db.close();
    await embedded?.stop();
  };
  try {
    if (embedded !== undefined || options.migrate === true) await migrate(db, migrationsDirectory);
    else await requireMigrated(db);
  } catch (error) {
    await close();
    throw error;
  }
  return { db, ...(embedded !== undefined && { embedded }), close };
}

async function requireMigrated(db: Database): Promise<void> {
  const { pending } = await migrationState(db, migrationsDirectory);
  if (pending.length === 0) return;
  throw failure(
    exitCodes.unavailable,
    `the database lacks ${pending.length} migration(s): ${pending.join(', ')}`,
    'run "hems migrate" as the owner of the schema, or start with "hems serve --migrate"',
  );
}

export async function withDatabase<T>(options: AccessOptions, fn: (db: Database) => Promise<T>): Promise<T> {
  const { db, close } = await openDatabase(options);
  try {
    return await fn(db);
  } finally {
    await close();
  }
}
