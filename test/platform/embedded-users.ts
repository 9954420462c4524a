import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { openPool } from '../../src/platform/postgres.ts';
import { cleanup } from '../support/cleanup.ts';

export interface User {
  readonly child: ChildProcess;
  /** What it printed: the server it got, or the fault. */
  readonly said: {
    readonly url: string;
    readonly adopted: boolean;
    readonly pid: number;
    readonly directory: string;
    readonly ms: number;
    readonly kind?: string;
    readonly message?: string;
    readonly remedy?: string;
  };
  /** Ends its input and waits for its end. */
  leave(): Promise<void>;
  /** kill -9, and no more. */
  kill(): Promise<void>;
}

export interface UserOptions {
  readonly uid?: number;
  readonly elsewhere?: string;
}

/** Starts `embedded-user.ts` as a process of its own and waits for its line. */
export async function startUser(t: TestContext, dataDir: string, options: UserOptions = {}): Promise<User> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'embedded-user.ts'), dataDir, ...(options.elsewhere ? [options.elsewhere] : [])],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: '/',
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    },
  );
  const ended = once(child, 'exit');
  const leave = async (): Promise<void> => {
    child.stdin?.end();
    await ended;
  };
  cleanup(t, leave);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    child,
    said: JSON.parse(line) as User['said'],
    leave,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A new folder that any user may pass through; removed in the end, with whatever server still runs in it. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'hems-platform-'));
  chmodSync(folder, 0o755);
  cleanup(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

let seed: Promise<string> | undefined;

/** A data directory with a cluster at rest, copied in a fraction of the time that making one takes. */
export async function dataDirectory(t: TestContext, folder = temporaryFolder(t)): Promise<string> {
  seed ??= makeSeed();
  const dataDir = join(folder, 'var');
  execFileSync('cp', ['-a', await seed, dataDir]);
  return dataDir;
}

async function makeSeed(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'hems-platform-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const dataDir = join(folder, 'var');
  await (await startEmbeddedPostgres({ dataDir, durable: false })).stop();
  return dataDir;
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie that nobody reaps is not running.
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return process.platform !== 'linux';
  }
}

export async function until(condition: () => boolean, within: number, what: string): Promise<void> {
  for (const end = performance.now() + within; performance.now() < end; await sleep(10)) if (condition()) return;
  throw new Error(`not within ${within} ms: ${what}`);
}

export async function ask(url: string, text: string): Promise<Record<string, unknown>[]> {
  const db = openPool({ url, poolSize: 1 });
  try {
    return (await db.query({ text })).rows;
  } finally {
    await db.close();
  }
}

/** Process ids of the guards of a cluster. */
export function guardsOf(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const command = commandOf(pid);
      return command.includes('embedded-guard-main') && command.includes(directory);
    });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
