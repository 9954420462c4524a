/** A whole server in this process, as `demo` runs it: real TLS doors, a database of its own, the development PKI. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { Registry } from 'prom-client';
import { type RunningApp, startApp } from '../../src/app.ts';
import { developmentDefaults } from '../../src/cli/development.ts';
import { enrolInto } from '../../src/cli/enrolment.ts';
import { loadConfig, type PartialConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { createRegister, type Register } from '../../src/fleet/register.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createEventBus, type HemsEvent } from '../../src/platform/events.ts';
import { type Database, openPool } from '../../src/platform/postgres.ts';
import { createLogger, createMetrics, type LogLevel } from '../../src/platform/telemetry.ts';
import type { AnchorName } from '../../src/simulator/development-authorities.ts';
import { createDevelopmentPki, type DevelopmentPki } from '../../src/simulator/development-pki.ts';
import { type Cast, createCast, type Role, role } from '../../src/simulator/scenarios/cast.ts';
import { type DeviceToAdd, demoDoors, type ScenarioContext } from '../../src/simulator/scenarios/scenario.ts';
import { cleanup } from '../support/cleanup.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

type ListenerInput = ConfigInput['listeners'][number];
type AnchorInput = ConfigInput['anchors'][number];

export interface StageOptions {
  /** What the doors `main` and `second` have besides names, anchors and certificates. */
  readonly door?: Partial<ListenerInput>;
  readonly anchors?: Partial<Record<AnchorName, Partial<AnchorInput>>>;
  readonly config?: PartialConfig;
  readonly logLevel?: LogLevel;
  /** Shared with other stages, as by the nodes of one installation; default: one of its own. */
  readonly database?: TestDatabase;
  /** Where the server finds its database, by the URL of the test's. */
  readonly databaseUrl?: (url: string) => string;
}

export interface Stage {
  readonly pki: DevelopmentPki;
  readonly app: RunningApp;
  /** The test's own way into the database. */
  readonly db: Database;
  readonly register: Register;
  readonly metrics: Registry;
  /** Everything published so far. */
  readonly events: readonly HemsEvent[];
  /** Log lines, JSON. */
  readonly log: readonly string[];
  /** For `stage()` of the simulator's cast. */
  readonly context: ScenarioContext;
  readonly cast: Cast;
  port(door?: string): number;
  /** A device of this anchor that the register knows. */
  known(anchor?: AnchorName): Promise<Role>;
  /** Adds devices; those there already are passed over. */
  enrol(devices: readonly DeviceToAdd[]): Promise<void>;
  deviceId(device: Role): Promise<string>;
  stop(): Promise<void>;
}

let pki: Promise<DevelopmentPki> | undefined;

/** One for all files of a run: its RSA keys take seconds. A file that is run alone makes its own. */
export function developmentPki(): Promise<DevelopmentPki> {
  pki ??= createDevelopmentPki(join(process.env.HEMS_TEST_RUN ?? ownFolder(), 'development-pki'), new Date());
  return pki;
}

/** Gone at the end of the process. */
export function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hems-integration-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let cache: string | undefined;

/** Of all stages of a process: what is in it is known by its hash. */
function cacheFolder(): string {
  cache ??= ownFolder();
  return cache;
}

/** The stage of one test, cleared away with it. */
export async function withStage(t: TestContext, options?: StageOptions): Promise<Stage> {
  const stage = await openStage(options);
  cleanup(t, () => stage.stop());
  return stage;
}

let runs = 0;

/** For `before` hooks; whoever opens it must stop it. */
export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const [authorities, database] = await Promise.all([developmentPki(), options.database ?? createTestDatabase()]);
  const log: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      log.push(line);
      done();
    },
  });
  const config = stageConfig(authorities, options);
  const logger = createLogger(options.logLevel ?? 'debug', stream);
  const metrics = createMetrics({ process: false });
  const bus = createEventBus({ logger, metrics });
  const events: HemsEvent[] = [];
  bus.subscribe((event) => void events.push(event));
  const url = options.databaseUrl?.(database.url) ?? database.url;
  // As a server works: it cannot edit evidence.
  const db = openPool({ url, poolSize: 5, role: 'hems_service', logger, metrics });
  const rest = async (): Promise<void> => {
    await db.close();
    if (options.database === undefined) await database.drop();
  };
  const deps = { config, mode: 'development', db, logger, metrics, events: bus, clock: systemClock } as const;
  const app = await startApp(deps).catch(async (error: unknown) => {
    await rest();
    throw error;
  });
  runs += 1;
  const parts = { pki: authorities, app, db: database.db, metrics, events, log };
  return {
    ...parts,
    ...conveniences(parts, createCast(process.pid * 8 + runs)),
    stop: async () => {
      await app.stop();
      await rest();
    },
  };
}

function stageConfig(authorities: DevelopmentPki, { door, anchors, config }: StageOptions) {
  const plain = developmentDefaults(authorities);
  const [first] = plain.listeners ?? [];
  if (first === undefined) throw new Error('development has a door');
  const loaded = loadConfig({
    env: {},
    defaults: {
      ...plain,
      management: { port: 0 },
      files: { cacheDirectory: cacheFolder() },
      listeners: demoDoors.map(({ name, anchors: accepted }) => ({
        ...first,
        name,
        anchors: [...accepted],
        port: 0,
        ...door,
      })),
      anchors: (plain.anchors ?? []).map((anchor) => ({ ...anchor, ...anchors?.[anchor.name as AnchorName] })),
    },
    ...(config !== undefined && { overrides: config }),
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded.config;
}

function conveniences({ app, db, pki: authorities }: Pick<Stage, 'app' | 'db' | 'pki'>, cast: Cast) {
  const register = createRegister({ db, clock: systemClock });
  const door = (name: string) => {
    const found = app.doors.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no door ${name}`);
    return found;
  };
  const enrol = async (devices: readonly DeviceToAdd[]): Promise<void> => {
    await enrolInto(db, devices);
  };
  return {
    register,
    cast,
    context: { pki: authorities, doors: { main: door('main').url, second: door('second').url }, at: new Date() },
    port: (name = 'main') => door(name).port,
    enrol,
    known: async (anchor: AnchorName = 'acme') => {
      const device = role(cast, anchor);
      await enrol([{ identities: [device] }]);
      return device;
    },
    deviceId: async ({ identity }: Role) => {
      const [deviceId] = await register.find(identity);
      if (deviceId === undefined) throw new Error(`there is no device ${identity}`);
      return deviceId;
    },
  };
}
