import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseError } from './database-error.ts';
import type { Database, Queryable } from './postgres.ts';

export interface Migration {
  /** From the file's name, e.g. 1 for `0001_register.sql`. */
  readonly version: number;
  /** The file's name. */
  readonly name: string;
  readonly sql: string;
  /** Hex SHA-256 of the text with LF line ends. */
  readonly checksum: string;
}

export interface MigrationState {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/** Postgres 15; nothing in the schema needs more. */
const oldestServer = 15;

/** One key for all hems databases: advisory locks are per database anyway. ASCII "hems". */
const lockKey = 0x68_65_6d_73;

export interface MigrateOptions {
  /** Milliseconds to wait for another process that is at it (default 10 minutes). */
  readonly waitFor?: number;
}

/**
 * Applies what is pending, each file in a transaction of its own; processes that start at once wait for the first.
 * Refuses (DatabaseError) a server older than 15, a database with migrations this code does not know, and one whose
 * applied files were edited since. Where nothing is pending it needs no more than to read `hems_migration`.
 */
export async function migrate(
  db: Database,
  directory: string,
  options: MigrateOptions = {},
): Promise<{ applied: string[] }> {
  const files = await readMigrations(directory);
  return db.alone(async (session) => {
    await checkServer(session);
    await takeTurn(session, options.waitFor ?? 600_000);
    if (!(await hasRecord(session)))
      await session.query({
        text: `create table hems_migration (
          version int primary key,
          name text not null,
          checksum text not null,
          applied_at timestamptz not null default now()
        )`,
      });
    const pending = compare(files, await readApplied(session));
    for (const file of pending) await apply(session, file);
    if (pending.length > 0) await grantPrivileges(session);
    return { applied: pending.map(({ name }) => name) };
  });
}

/** Held by the session, so it goes with the process if that is killed half-way. */
async function takeTurn(session: Queryable, waitFor: number): Promise<void> {
  await session.query({ text: `select set_config('lock_timeout', $1, false)`, values: [String(waitFor)] });
  try {
    await session.query({ text: 'select pg_advisory_lock($1)', values: [lockKey] });
  } catch (error) {
    if ((error as { code?: unknown }).code !== '55P03') throw error;
    throw new DatabaseError(
      'migration',
      `another process has been migrating this database for more than ${Math.round(waitFor / 1000)} s`,
      'look for it in pg_stat_activity; ending it is safe, since every file is one transaction',
      { cause: error },
    );
  }
  await session.query({ text: 'set lock_timeout = 0' });
}

async function hasRecord(session: Queryable): Promise<boolean> {
  const { rows } = await session.query<{ found: boolean }>({
    text: `select to_regclass('hems_migration') is not null as found`,
  });
  return rows[0]?.found === true;
}

/** The same comparison without changing anything. */
export async function migrationState(db: Database, directory: string): Promise<MigrationState> {
  const files = await readMigrations(directory);
  await checkServer(db);
  const applied = (await hasRecord(db)) ? await readApplied(db) : [];
  const pending = compare(files, applied);
  return { applied: applied.map(({ name }) => name), pending: pending.map(({ name }) => name) };
}

export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const [, digits] = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name) ?? [];
      if (digits === undefined) throw faulty(`${join(directory, name)} is not named NNNN_name.sql`);
      const sql = (await readFile(join(directory, name), 'utf8')).replaceAll('\r\n', '\n');
      return { version: Number(digits), name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
  // Numbers are given out ahead, so one may be free; a file that was taken away shows where it had been applied.
  files.forEach((file, i) => {
    if (file.version === files[i - 1]?.version) throw faulty(`${file.name} has a number that is there twice`);
  });
  return files;
}

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

async function readApplied(session: Queryable): Promise<readonly Applied[]> {
  const found = await session.query<Applied>({
    text: 'select version, name, checksum from hems_migration order by version',
  });
  return found.rows;
}

function compare(files: readonly Migration[], applied: readonly Applied[]): readonly Migration[] {
  const unknown = applied.filter(({ version }) => !files.some((file) => file.version === version));
  if (unknown.length > 0)
    throw new DatabaseError(
      'newer-than-code',
      `the database is newer than this hems: it has ${unknown.map(({ name }) => name).join(', ')}, which this version does not know`,
      'run the hems version that made it, or restore a backup from before the upgrade; there is no way back by migration',
    );
  const edited = applied.filter(({ version, checksum }) =>
    files.some((file) => file.version === version && file.checksum !== checksum),
  );
  if (edited.length > 0)
    throw faulty(`${edited.map(({ name }) => name).join(', ')} was changed after it had been applied to this database`);
  return files.filter((file) => !applied.some(({ version }) => version === file.version));
}

async function apply(session: Queryable, file: Migration): Promise<void> {
  await session.query({ text: 'begin' });
  try {
    await session.query({ text: file.sql });
    await session.query({
      text: 'insert into hems_migration (version, name, checksum) values ($1, $2, $3)',
      values: [file.version, file.name, file.checksum],
    });
    await session.query({ text: 'commit' });
  } catch (error) {
    await session.query({ text: 'rollback' }).catch(() => undefined);
    const message = error instanceof Error ? error.message : String(error);
    throw new DatabaseError(
      'migration',
      `${file.name} failed and was rolled back: ${message}`,
      positionHint(error, file),
      {
        cause: error,
      },
    );
  }
}

/** What the roles may do with the tables that were made, by the schema's own rules where it has them. */
async function grantPrivileges(session: Queryable): Promise<void> {
  const { rows } = await session.query<{ found: boolean }>({
    text: `select to_regprocedure('grant_privileges()') is not null as found`,
  });
  if (rows[0]?.found === true) await session.query({ text: 'select grant_privileges()' });
}

function positionHint(error: unknown, file: Migration): string {
  const position = Number((error as { position?: unknown }).position);
  if (!Number.isFinite(position) || position <= 0) return 'the database is as it was before this file';
  return `see line ${file.sql.slice(0, position).split('\n').length} of ${file.name}; the database is as it was before this file`;
}

async function checkServer(session: Queryable): Promise<void> {
  const { rows } = await session.query<{ number: string; version: string }>({
    text: `select current_setting('server_version_num') as number, current_setting('server_version') as version`,
  });
  const major = Math.floor(Number(rows[0]?.number) / 10_000);
  if (major >= oldestServer) return;
  throw new DatabaseError(
    'too-old',
    `the database server is PostgreSQL ${rows[0]?.version ?? '(unknown)'}; hems needs ${oldestServer} or newer`,
    'upgrade the server, or point DATABASE_URL at a newer one',
  );
}

function faulty(cause: string): DatabaseError {
  return new DatabaseError(
    'migration',
    cause,
    'restore the file as it was released; a change needs a new, higher number',
  );
}
