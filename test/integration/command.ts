/** The command line as people run it: real processes, an environment of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { cleanup } from '../support/cleanup.ts';
import { until } from './evidence.ts';

export const root = resolve(import.meta.dirname, '../..');
export const launcher = join(root, 'src/cli/hems');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<Ended>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default: the pinned Node on src/cli/main.ts. */
  readonly program?: readonly [file: string, ...args: string[]];
  /** Killed after so many milliseconds (default 120 000). */
  readonly withinMs?: number;
}

/** Nothing of the environment of whoever runs the tests, but for where things are. */
export function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '/', TMPDIR, HEMS_TEST_RUN } = process.env;
  return {
    PATH,
    HOME,
    ...(TMPDIR !== undefined && { TMPDIR }),
    // By which the end of the run finds what was left behind.
    ...(HEMS_TEST_RUN !== undefined && { HEMS_TEST_RUN }),
    ...extra,
  };
}

export function start(args: readonly string[], options: RunOptions = {}): Running {
  const [file, ...first] = options.program ?? [process.execPath, join(root, 'src/cli/main.ts')];
  const child = spawn(file, [...first, ...args], {
    cwd: options.cwd ?? root,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.withinMs ?? 120_000);
  const ended = new Promise<Ended>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      done({ code, signal, ...text });
    });
  });
  return { child, pid: child.pid ?? 0, stdout: () => text.stdout, stderr: () => text.stderr, ended };
}

/** Runs one command to its end. */
export function hems(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return start(args, options).ended;
}

/** A folder that Postgres' own user may pass through, gone with the test. */
export function testFolder(t: TestContext): string {
  const folder = openFolder();
  cleanup(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** For `before` hooks; whoever makes it removes it. */
export function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hems-command-'));
  chmodSync(folder, 0o755);
  return folder;
}

export interface ReadyLine {
  readonly ready: true;
  readonly cwmp: string;
  readonly management: string;
  readonly dataDir: string;
  readonly pid: number;
}

/** `serve … --json`, up to its ready line. */
export async function serve(args: readonly string[], options: RunOptions): Promise<Running & { ready: ReadyLine }> {
  const running = start(['serve', '--json', ...args], { withinMs: 120_000, ...options });
  const line = await Promise.race([
    until(running.stdout, (text) => text.includes('\n'), 'the ready line', 60_000),
    running.ended.then(({ code, stderr }) => {
      throw new Error(`serve ended with ${code}: ${stderr}`);
    }),
  ]);
  return { ...running, ready: JSON.parse(line) as ReadyLine };
}

/** Any free ports, data in `dataDir`. */
export const development = (dataDir: string): Record<string, string> => ({
  HEMS_DATA_DIR: dataDir,
  HEMS_CWMP_PORT: '0',
  HEMS_MANAGEMENT_PORT: '0',
});

/** Processes that have the folder in their command line: the postmaster of a data directory, its guard. Linux only. */
export function processesOf(folder: string): string[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
      } catch {
        return ''; // It ended meanwhile.
      }
    })
    .filter((command) => command.includes(folder));
}

/** One answer of a `--json` command. */
export function json<T>({ stdout }: Ended): T {
  return JSON.parse(stdout) as T;
}
