/** A server of several processes, as a user starts it, and what can be seen of each. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createDevelopmentPki } from '../../src/simulator/development-pki.ts';
import { createCast, type Role, role } from '../../src/simulator/scenarios/cast.ts';
import type { ScenarioContext } from '../../src/simulator/scenarios/scenario.ts';
import { enrolInto } from '../../src/cli/enrolment.ts';
import { createTestDatabase } from '../support/database.ts';
import { until } from './evidence.ts';
import { development, type ReadyLine, type Running, serve, openFolder } from './command.ts';

export interface Workers {
  readonly running: Running & { readonly ready: ReadyLine };
  readonly databaseUrl: string;
  stop(): Promise<void>;
  readonly context: ScenarioContext;
  known(): Promise<Role>;
  /** The figures of the host: name and labels as written there, to the value. */
  scrape(): Promise<ReadonlyMap<string, number>>;
  /** Log lines so far. */
  log(): readonly LogLine[];
  /** Which worker took the connection from this port of ours. */
  workerAt(port: number | undefined): Promise<number>;
}

export interface LogLine extends Record<string, unknown> {
  readonly msg: string;
  readonly worker?: number;
}

/** On a database of the tests; whoever opens it must stop it. */
export async function openWorkers(count: number): Promise<Workers> {
  const folder = openFolder();
  const database = await createTestDatabase();
  const { url, db } = database;
  const env = { ...development(join(folder, 'data')), DATABASE_URL: url, HEMS_WORKERS: String(count) };
  const running = await serve(['--dev'], { env, withinMs: 240_000 });
  const { cwmp, management } = running.ready;
  const pki = await createDevelopmentPki(join(folder, 'data/pki'), new Date());
  const cast = createCast(process.pid);
  return {
    running,
    databaseUrl: url,
    stop: async () => {
      running.child.kill('SIGTERM');
      await running.ended;
      await database.drop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
    context: { pki, doors: { main: cwmp, second: cwmp }, at: new Date() },
    known: async () => {
      const device = role(cast, 'acme');
      await enrolInto(db, [{ identities: [device] }]);
      return device;
    },
    scrape: () => scrape(management),
    log: () => logOf(running),
    workerAt: async (port) => {
      const told = await until(
        () => logOf(running).find((line) => line.msg === 'decision' && line.port === port),
        (line) => line?.worker !== undefined,
        `a decision about port ${port}`,
      );
      return told?.worker ?? 0;
    },
  };
}

/** Each time over a connection of its own, so that any of them may answer; again, where that one was just killed. */
async function scrape(management: string, again = 3): Promise<ReadonlyMap<string, number>> {
  try {
    const answer = await fetch(`${management}/metrics`, { headers: { connection: 'close' } });
    return figuresOf(await answer.text());
  } catch (error) {
    if (again === 0) throw error;
    return scrape(management, again - 1);
  }
}

function figuresOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

export function logOf(running: Running): readonly LogLine[] {
  const whole = running.stderr().slice(0, running.stderr().lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}

/** Worker processes below this one, by number. Linux only. */
export function workersOf(supervisor: number): ReadonlyMap<number, number> {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid): [number, number][] => {
      try {
        // The second field, the command in brackets, may hold anything; behind it: state, parent.
        const parent = Number(
          readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1],
        );
        const [, main = '', number] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return parent === supervisor && main.includes('worker-main') ? [[Number(number), Number(pid)]] : [];
      } catch {
        return []; // It ended meanwhile.
      }
    });
  return new Map(found);
}
