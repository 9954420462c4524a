import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../platform/embedded-postgres.ts';
import { migrate, migrationState } from '../platform/migrations.ts';
import { type Database, openPool, type PoolConfig } from '../platform/postgres.ts';
import { exitCodes, failure } from './failure.ts';

export const migrationsDirectory = fileURLToPath(new URL('../../migrations', import.meta.url));

export interface OpenDatabase {
  readonly db: Database;
  /** Absent when the configuration names a database. */
  readonly embedded?: EmbeddedPostgres;
  /** What everybody works as; undefined: as the user of the URL. */
  readonly role?: string;
  close(): Promise<void>;
}

export interface AccessOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics?: Registry;
  /** Bring the schema up to date; always so for the embedded one, which nobody else looks after. */
  readonly migrate?: boolean;
  /** Work with all the rights of the URL's user, whatever role the configuration names. */
  readonly asOwner?: boolean;
}

/** What a server and the tools work as in the embedded database: it cannot edit evidence. */
const embeddedRole = 'hems_service';

/** The configured database, or the embedded one of the data directory, started if nothing runs it. */
export async function openDatabase(options: AccessOptions): Promise<OpenDatabase> {
  const { config, logger, metrics } = options;
  const { url: given, poolSize, role: wanted } = config.database;
  const embedded = given === undefined ? await startEmbeddedPostgres({ dataDir: config.dataDir, logger }) : undefined;
  const url = given ?? embedded?.url ?? '';
  const role = options.asOwner === true ? undefined : (wanted ?? (embedded === undefined ? undefined : embeddedRole));
  const opened: Database[] = [];
  const open = (config: PoolConfig): Database => {
    const db = openPool({ ...config, logger });
    opened.push(db);
    return db;
  };
  const close = async (): Promise<void> => {
    for (const db of opened) await db.close();
    await embedded?.stop();
  };
  try {
    // The schema is its owner's business, whatever role the work is done as.
    const owner = open({ url, poolSize: 1 });
    if (embedded !== undefined || options.migrate === true) await migrate(owner, migrationsDirectory);
    else await requireMigrated(owner);
    await owner.close();
    const db = open({ url, poolSize, ...(role !== undefined && { role }), ...(metrics !== undefined && { metrics }) });
    return { db, ...(embedded !== undefined && { embedded }), ...(role !== undefined && { role }), close };
  } catch (error) {
    await close();
    throw error;
  }
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
