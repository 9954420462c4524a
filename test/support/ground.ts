import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';

export interface Ground {
  /** Stops the Postgres, ends what tests left running and answers what that was, removes the temporary folder. */
  clear(): Promise<readonly string[]>;
}

/** A temporary folder of the run's own for every child (TMPDIR), and a Postgres for all tests. */
export async function prepareGround(): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'hems-run-'));
  // Postgres' own user, where root runs the tests, must get through.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  process.env.HEMS_TEST_RUN = folder;
  const given = process.env.HEMS_TEST_POSTGRES_URL;
  const postgres =
    given === undefined ? await startEmbeddedPostgres({ dataDir: join(folder, 'pg'), durable: false }) : undefined;
  if (postgres !== undefined) process.env.HEMS_TEST_POSTGRES_URL = postgres.adminUrl;
  return {
    clear: async () => {
      await postgres?.stop();
      const left = await endLeftovers(folder);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      return left;
    },
  };
}

/** Processes of this run: they carry its mark in their environment, or work in its folder. Linux only. */
function leftovers(folder: string): { pid: number; command: string }[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      const marked = command !== '' && (command.includes(folder) || read(`/proc/${pid}/environ`).includes(folder));
      return marked ? [{ pid: Number(pid), command }] : [];
    });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** A guard or a child in its last moments is no leftover. */
const grace = 5000;

async function endLeftovers(folder: string): Promise<readonly string[]> {
  for (const end = performance.now() + grace; performance.now() < end; await sleep(50))
    if (leftovers(folder).length === 0) return [];
  const left = leftovers(folder);
  for (const { pid } of left)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It went by itself.
    }
  return left.map(({ pid, command }) => `${pid} ${command.slice(0, 120)}`);
}
