import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { processEnvironment } from '../config/process-environment.ts';
import { exitCodes, failure } from './failure.ts';

export const rulesFile = fileURLToPath(new URL('../../deploy/prometheus/rules.yaml', import.meta.url));

export interface PrometheusOptions {
  /** Where its data and configuration go. */
  readonly folder: string;
  /** URLs of management doors, plain HTTP on loopback. */
  readonly targets: readonly string[];
  /** Seconds between two looks (default 5). */
  readonly interval?: number;
}

export interface RunningPrometheus {
  readonly url: string;
  stop(): Promise<void>;
}

/** The program of this name in PATH. */
function findProgram(name: string): string | undefined {
  const folders = (processEnvironment().PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts the machine's own Prometheus with the rules of hems, on loopback and a free port. Fails if there is none. */
export async function startPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  const program = findProgram('prometheus');
  if (program === undefined)
    throw failure(
      exitCodes.unavailable,
      'there is no prometheus on this machine',
      'apt-get install prometheus, or bring it into PATH; the demo runs without --prometheus too',
    );
  await mkdir(options.folder, { recursive: true });
  await writeFile(join(options.folder, 'rules.yaml'), await readFile(rulesFile));
  await writeFile(join(options.folder, 'prometheus.yaml'), configuration(options));
  const port = await freePort();
  const child = spawn(program, argumentsOf(options.folder, port), { stdio: 'ignore', detached: true });
  const url = `http://127.0.0.1:${port}`;
  const stop = (): Promise<void> => end(child);
  try {
    await untilReady(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

function configuration({ targets, interval = 5 }: PrometheusOptions): string {
  const every = `${interval}s`;
  return stringify({
    global: { scrape_interval: every, evaluation_interval: every },
    rule_files: ['rules.yaml'],
    scrape_configs: [
      { job_name: 'hems', static_configs: [{ targets: targets.map((target) => new URL(target).host) }] },
    ],
  });
}

function argumentsOf(folder: string, port: number): string[] {
  return [
    `--config.file=${join(folder, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

const readyWithin = 30_000;

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (let waited = 0; waited < readyWithin; waited += 100) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  throw failure(exitCodes.unavailable, 'prometheus did not start', 'try it by hand: prometheus --version');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  await gone;
  clearTimeout(late);
}
