/**
 * A fresh database for a test file, cloned from a template that has every migration. `test/run.ts` starts one Postgres
 * for the whole run and names it in HEMS_TEST_POSTGRES_URL (the URL of a superuser); a file that is run alone starts
 * one below the temporary folder, or joins that of another file that runs at the same time.
 */
import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { migrate, readMigrations } from '../../src/platform/migrations.ts';
import { type Database, openPool } from '../../src/platform/postgres.ts';
import { cleanup } from './cleanup.ts';

const root = resolve(import.meta.dirname, '../..');

export const migrationsDirectory = join(root, 'migrations');

export interface TestDatabase {
  readonly url: string;
  /** A pool of five on `url`. */
  readonly db: Database;
  /** Closes `db`, drops the database. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** Folder of the migrations to apply; `false` for an empty database. Default: those of hems. */
  readonly migrations?: string | false;
}

/** The database of one test or suite: dropped when `t` ends. */
export async function withDatabase(t: TestContext, options?: TestDatabaseOptions): Promise<TestDatabase> {
  const database = await createTestDatabase(options);
  cleanup(t, () => database.drop());
  return database;
}

/** For `before` hooks; whoever creates it must `drop` it. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = await takeServer();
  try {
    const name = `test_${process.pid}_${++made}`;
    const template = options.migrations === false ? undefined : await templateFor(server, options.migrations);
    await administer(server, [`create database ${name} template ${template ?? 'template0'} ${ownedBy(server)}`]);
    const url = databaseUrl(server, name);
    const db = openPool({ url, poolSize: 5, applicationName: 'hems test', connectTimeout: 30_000 });
    return {
      url,
      db,
      drop: async () => {
        await db.close();
        await administer(server, [`drop database if exists ${name} with (force)`]);
        await giveServerBack();
      },
    };
  } catch (error) {
    await giveServerBack();
    throw error;
  }
}

interface Server {
  readonly adminUrl: string;
  /** The role that owns the databases, or undefined where the superuser itself does (a server of one's own). */
  readonly owner: 'hems' | undefined;
  readonly embedded?: EmbeddedPostgres;
}

let made = 0;
let users = 0;
let server: Promise<Server> | undefined;

async function takeServer(): Promise<Server> {
  users += 1;
  server ??= startServer();
  return server;
}

async function giveServerBack(): Promise<void> {
  users -= 1;
  if (users > 0) return;
  const last = server;
  server = undefined;
  await (await last)?.embedded?.stop();
}

async function startServer(): Promise<Server> {
  const given = process.env.HEMS_TEST_POSTGRES_URL;
  if (given !== undefined) return { adminUrl: given, owner: await ownerOn(given) };
  const place = createHash('sha256').update(root).digest('hex').slice(0, 8);
  const dataDir = join(tmpdir(), `hems-test-${userInfo().uid}-${place}`);
  const embedded = await startEmbeddedPostgres({ dataDir, durable: false });
  const started: Server = { adminUrl: embedded.adminUrl, owner: 'hems', embedded };
  await sweep(started);
  return started;
}

/** The embedded server has the role that hems works under; on a server of one's own the user of the URL owns all. */
async function ownerOn(adminUrl: string): Promise<'hems' | undefined> {
  const db = openPool({ url: adminUrl, poolSize: 1 });
  try {
    const found = await db.query({ text: `select 1 from pg_roles where rolname = 'hems' and rolcanlogin` });
    return found.count > 0 && new URL(adminUrl).password === '' ? 'hems' : undefined;
  } finally {
    await db.close();
  }
}

function databaseUrl(target: Server, name: string): string {
  const url = new URL(target.adminUrl);
  url.pathname = `/${name}`;
  if (target.owner !== undefined) url.username = target.owner;
  return url.href;
}

function ownedBy(target: Server): string {
  return target.owner === undefined ? '' : `owner ${target.owner}`;
}

async function administer(target: Server, statements: readonly string[]): Promise<void> {
  const db = openPool({ url: target.adminUrl, poolSize: 1, statementTimeout: 60_000 });
  try {
    for (const text of statements) await db.query({ text });
  } finally {
    await db.close();
  }
}

/** The template with the present migrations, made by the first who needs it. */
async function templateFor(target: Server, directory = migrationsDirectory): Promise<string> {
  const files = await readMigrations(directory);
  const state = createHash('sha256').update(JSON.stringify(files.map(({ name, checksum }) => [name, checksum])));
  const name = `tpl_${state.digest('hex').slice(0, 16)}`;
  const db = openPool({ url: target.adminUrl, poolSize: 1 });
  try {
    await db.alone(async (session) => {
      await session.query({ text: 'select pg_advisory_lock(hashtext($1))', values: [name] });
      const found = await session.query({ text: 'select 1 from pg_database where datname = $1', values: [name] });
      if (found.count > 0) return;
      const draft = `draft_${process.pid}_${name}`;
      await session.query({ text: `create database ${draft} template template0 ${ownedBy(target)}` });
      await migrateOnce(databaseUrl(target, draft), directory);
      await session.query({ text: `alter database ${draft} rename to ${name}` });
    });
  } finally {
    await db.close();
  }
  return name;
}

async function migrateOnce(url: string, directory: string): Promise<void> {
  const db = openPool({ url, poolSize: 1 });
  try {
    await migrate(db, directory);
  } finally {
    await db.close();
  }
}

const templatesKept = 20;

/** Drops what killed runs left behind and templates of long gone states of the migrations. */
async function sweep(target: Server): Promise<void> {
  const db = openPool({ url: target.adminUrl, poolSize: 1 });
  const { rows } = await db.query<{ datname: string }>({ text: 'select datname from pg_database order by oid desc' });
  const names = rows.map(({ datname }) => datname);
  const orphans = names.filter((name) => {
    const [, pid] = /^(?:test|draft)_(\d+)_/.exec(name) ?? [];
    return pid !== undefined && !isAlive(Number(pid));
  });
  const old = names.filter((name) => name.startsWith('tpl_')).slice(templatesKept);
  for (const name of [...orphans, ...old])
    await db.query({ text: `drop database if exists ${name}` }).catch(() => undefined);
  await db.close();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
