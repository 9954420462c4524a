import { chmod, chown, lstat, mkdir, mkdtemp, readlink, realpath, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseError } from './database-error.ts';
import { type Account, canEnter, canReach, nobody, runningAsRoot } from './embedded-account.ts';

/** Where one embedded Postgres lives. */
export interface Home {
  readonly dir: string;
  /** The cluster (PGDATA): 0700, of the account. */
  readonly data: string;
  /** Folder of the unix socket: 0700, of the account. */
  readonly socket: string;
  readonly log: string;
  /** Not in the data directory, which holds a link to it. */
  readonly elsewhere: boolean;
  /** Undefined: Postgres runs as we do. */
  readonly account: Account | undefined;
}

/** sun_path without its closing NUL. */
const longestSocketPath = process.platform === 'linux' ? 107 : 103;

/**
 * `<dataDir>/postgres` with its folders, made as needed; safe for several processes at once. `elsewhere` takes the homes
 * of data directories that the account cannot reach.
 */
export async function prepareHome(dataDir: string, elsewhere = '/var/lib/hems'): Promise<Home> {
  await mkdir(resolve(dataDir), { recursive: true, mode: 0o700 });
  const folder = await realpath(dataDir);
  const account = runningAsRoot() ? await accountFor(folder) : undefined;
  const dir = await homeDirectory(folder, account, elsewhere);
  const data = join(dir, 'data');
  await refuseForeign(data, account);
  const socket = await ownedFolder(join(dir, 'socket'), account);
  return { dir, data, socket, log: join(dir, 'postgres.log'), elsewhere: dir !== join(folder, 'postgres'), account };
}

/** Root serves a cluster under the account that owns it, a new one under `nobody`. */
async function accountFor(folder: string): Promise<Account> {
  const owner = await stat(join(folder, 'postgres', 'data')).catch(() => undefined);
  return owner === undefined || owner.uid === 0 ? nobody() : { uid: owner.uid, gid: owner.gid };
}

async function homeDirectory(folder: string, account: Account | undefined, elsewhere: string): Promise<string> {
  const dir = join(folder, 'postgres');
  const existing = await lstat(dir).catch(() => undefined);
  if (existing?.isSymbolicLink()) return followed(dir);
  if (existing === undefined && account !== undefined && !(await canReach(dirname(folder), account)))
    return relocated(folder, account, elsewhere);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (account === undefined) return dir;
  await letThrough(folder, account);
  await letThrough(dir, account);
  if (await canReach(dir, account)) return dir;
  throw new DatabaseError(
    'embedded',
    `user id ${account.uid}, under which Postgres runs when hems runs as root, cannot reach ${dir}`,
    'open the folders above it for passing through (chmod o+x), or set HEMS_DATA_DIR to a folder that is',
  );
}

/** Our own folder stays closed to everyone but root and the group of the account, which may pass through, no more. */
async function letThrough(folder: string, account: Account): Promise<void> {
  if (await canEnter(folder, account)) return;
  const { uid, mode } = await stat(folder);
  if (uid !== 0) return;
  await chown(folder, 0, account.gid);
  await chmod(folder, (mode & 0o707) | 0o010);
}

async function followed(link: string): Promise<string> {
  const target = resolve(dirname(link), await readlink(link));
  if (await stat(target).catch(() => undefined)) return target;
  throw new DatabaseError(
    'embedded',
    `${link} points at ${target}, where the database was, and that is gone`,
    `bring it back, or remove ${link} to begin with an empty database`,
  );
}

/** A data directory below a closed one (such as /root) holds a link to a home that the account can reach. */
async function relocated(folder: string, account: Account, elsewhere: string): Promise<string> {
  try {
    await mkdir(elsewhere, { recursive: true, mode: 0o711 });
    await chmod(elsewhere, 0o711);
    const dir = await mkdtemp(join(elsewhere, `${basename(folder)}-`));
    await letThrough(dir, account);
    try {
      await symlink(dir, join(folder, 'postgres'));
      return dir;
    } catch (error) {
      await rm(dir, { recursive: true });
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return await followed(join(folder, 'postgres'));
    }
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    throw new DatabaseError(
      'embedded',
      `user id ${account.uid}, under which Postgres runs when hems runs as root, can reach neither ${folder} nor ${elsewhere}`,
      'set HEMS_DATA_DIR to a folder that every user may pass through',
      { cause: error },
    );
  }
}

async function refuseForeign(data: string, account: Account | undefined): Promise<void> {
  const entry = await stat(data).catch((error: NodeJS.ErrnoException) => error);
  if (entry instanceof Error) {
    if (entry.code === 'ENOENT') return;
    throw foreign(data, entry.message);
  }
  const uid = account?.uid ?? process.geteuid?.();
  if (entry.uid !== uid) throw foreign(data, `it belongs to user id ${entry.uid}`);
}

function foreign(data: string, cause: string): DatabaseError {
  return new DatabaseError(
    'embedded',
    `the database in ${data} is not ours to run: ${cause}`,
    'run hems as the user that made it, or as root, or choose another HEMS_DATA_DIR',
  );
}

async function ownedFolder(path: string, account: Account | undefined): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (account !== undefined) await chown(path, account.uid, account.gid);
  await chmod(path, 0o700);
  return path;
}

/** `home.socket`, or a fresh folder with a short name where that is too long for a socket. */
export async function socketFolder(home: Home): Promise<string> {
  if (fits(home.socket)) return home.socket;
  const base = [tmpdir(), '/tmp'].find((folder) => fits(join(folder, 'hems-XXXXXX'))) ?? '/tmp';
  // Its name needs no memory: a running server names its socket folder in postmaster.pid.
  return ownedFolder(await mkdtemp(join(base, 'hems-')), home.account);
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= longestSocketPath;
}
