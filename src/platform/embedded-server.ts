import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile, readlink, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from './database-error.ts';
import type { PostgresBinaries } from './embedded-binaries.ts';
import type { Home } from './embedded-home.ts';

/** Nothing of our environment (PGDATA, PGOPTIONS, TZ, LC_*) reaches the server. */
export const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** What `postmaster.pid` says of a server that runs or ran. */
export interface Postmaster {
  readonly pid: number;
  readonly socket: string;
  readonly ready: boolean;
}

export async function readPostmaster(data: string): Promise<Postmaster | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, socket: lines[4] ?? '', ready: lines[7]?.trim() === 'ready' };
}

/** Whether process `pid` is a server on this very cluster, and not a stranger with its old number, or a zombie. */
export async function isServing(data: string, pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  if (process.platform !== 'linux') return true;
  const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return argv.includes(data);
}

export function cannotRun(error: Error): DatabaseError {
  return new DatabaseError(
    'embedded',
    `the bundled Postgres cannot be run here: ${error.message}`,
    'it needs Linux with glibc (not musl) or macOS, and a file system that allows programs; else set DATABASE_URL to a server of your own',
    { cause: error },
  );
}

export function spawnedAs(home: Home): { uid?: number; gid?: number } {
  return home.account === undefined ? {} : { uid: home.account.uid, gid: home.account.gid };
}

function settings({ socket, durable, sharedBuffers }: LaunchOptions): readonly string[] {
  const values: Record<string, string | number> = {
    listen_addresses: '',
    unix_socket_directories: socket,
    unix_socket_permissions: '0700',
    cluster_name: 'hems',
    max_connections: 100,
    shared_buffers: `${sharedBuffers}MB`,
    io_method: 'sync',
    jit: 'off',
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_logical_replication_workers: 0,
    max_wal_size: '256MB',
    fsync: durable ? 'on' : 'off',
    synchronous_commit: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Start, stop and crashes; refused statements are ours to log, and must not fill the disk.
    log_min_messages: 'log',
    log_checkpoints: 'off',
  };
  return Object.entries(values).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}

const largestLog = 1024 * 1024;

export interface LaunchedServer {
  readonly child: ChildProcess;
  /** What it has logged since it was launched; at most the last 2 000 characters. */
  readonly complaint: () => Promise<string>;
}

export interface LaunchOptions {
  readonly socket: string;
  readonly durable: boolean;
  /** Megabytes. */
  readonly sharedBuffers: number;
  /** Told the process id in the same breath in which it exists. */
  readonly onLaunch: (pid: number) => void;
}

/** Starts the server in a session of its own, so that Ctrl-C reaches us alone and we stop it last. */
export async function launch(home: Home, binaries: PostgresBinaries, options: LaunchOptions): Promise<LaunchedServer> {
  const size = (await stat(home.log).catch(() => undefined))?.size ?? 0;
  if (size > largestLog) await rename(home.log, `${home.log}.old`);
  const log = await open(home.log, 'a', 0o600);
  // Its user may be the one who starts the server next time.
  if (home.account !== undefined) await log.chown(home.account.uid, home.account.gid);
  const offset = (await log.stat()).size;
  try {
    const child = spawn(join(binaries.native, 'bin', 'postgres'), ['-D', home.data, ...settings(options)], {
      ...spawnedAs(home),
      cwd: '/',
      env: environment,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    if (child.pid !== undefined) options.onLaunch(child.pid);
    await once(child, 'spawn').catch((error: Error) => {
      throw cannotRun(error);
    });
    child.unref();
    const complaint = async (): Promise<string> =>
      oneLine((await readFile(home.log, 'utf8')).slice(offset).slice(-2000));
    return { child, complaint };
  } finally {
    await log.close();
  }
}

export function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join('; ') || '(it said nothing)';
}

/** After a container's restart an unrelated process may carry the old number, and Postgres would take it for a rival. */
export async function clearStalePid(home: Home, stale: Postmaster): Promise<void> {
  if (process.platform !== 'linux') return;
  // A backend that outlived its postmaster still works in the cluster's folder.
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)))
    if ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) === home.data) return;
  const now = await readPostmaster(home.data);
  if (now?.pid !== stale.pid) return;
  await rm(join(home.data, 'postmaster.pid'), { force: true });
  await rm(join(stale.socket, '.s.PGSQL.5432.lock'), { force: true });
}

/** "Fast shutdown": sessions are ended, everything is written. Resolves when the cluster is at rest. */
export async function shutDown(data: string, pid: number, within = 30_000): Promise<boolean> {
  signal(pid, 'SIGINT');
  const deadline = performance.now() + within;
  while (performance.now() < deadline) {
    if (!(await isServing(data, pid))) return true;
    await sleep(5);
  }
  signal(pid, 'SIGQUIT');
  return false;
}

function signal(pid: number, name: 'SIGINT' | 'SIGQUIT'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
