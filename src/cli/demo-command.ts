import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { type RunningApp, startApp } from '../app.ts';
import type { Config } from '../config/schema.ts';
import { processEnvironment } from '../config/process-environment.ts';
import { systemClock } from '../platform/clock.ts';
import { createEventBus, type EventBus } from '../platform/events.ts';
import { createLifecycle, untilSignal } from '../platform/lifecycle.ts';
import type { Database } from '../platform/postgres.ts';
import { createLogger, createMetrics } from '../platform/telemetry.ts';
import type { DevelopmentPki } from '../simulator/development-pki.ts';
import { startRevocationServer } from '../simulator/revocation-server.ts';
import { demoScenarios } from '../simulator/scenarios/list.ts';
import { revocationScenarios } from '../simulator/scenarios/revocation.ts';
import { demoDoors, type ScenarioContext } from '../simulator/scenarios/scenario.ts';
import { createDemoDesk } from './demo-desk.ts';
import { openDatabase } from './database-access.ts';
import { runScenarios, type StepOutcome } from './demo-run.ts';
import { demoHead, demoRow } from './demo-table.ts';
import { prepareDevelopment } from './development.ts';
import { enrolInto } from './enrolment.ts';
import { exitCodes } from './failure.ts';
import { sayWhereToLook } from './demo-look.ts';
import { startPrometheus } from './prometheus.ts';
import { paint, print, printJson } from './terminal.ts';

export function addDemoCommand(hems: Command): void {
  hems
    .command('demo')
    .description('a server of its own beside a fleet that tries the door in every way a real world would')
    .option('--json', 'one JSON object a step, then {"expected":N,"unexpected":N}')
    .option('--prometheus', 'with the machine’s Prometheus beside it; goes on until Ctrl-C')
    .action(demo);
}

interface DemoOptions {
  readonly json?: boolean;
  readonly prometheus?: boolean;
}

async function demo(options: DemoOptions): Promise<void> {
  const json = options.json === true;
  let over = false;
  const signal = untilSignal().then(() => {
    over = true;
  });
  // Nobody looks any more ("| head"): the same as Ctrl-C.
  process.stdout.once('error', () => process.kill(process.pid, 'SIGINT'));
  const given = processEnvironment().HEMS_DATA_DIR;
  const dataDir = given || (await mkdtemp(join(tmpdir(), 'hems-demo-')));
  const lifecycle = createLifecycle();
  if (!given) lifecycle.started('data', () => rm(dataDir, { recursive: true, force: true }));
  try {
    const stage = await startStage(dataDir, lifecycle);
    if (!json) introduce(stage, dataDir);
    const watched = options.prometheus === true ? await watch(stage, lifecycle) : undefined;
    const both = async () => {
      const outcomes = await play(stage, json);
      return over ? outcomes : [...outcomes, ...(await playRevocation(stage, lifecycle, json))];
    };
    const outcomes = await Promise.race([both(), signal]);
    if (outcomes === undefined) process.exitCode = exitCodes.no;
    else conclude(outcomes, json);
    if (outcomes !== undefined && watched !== undefined) {
      sayWhereToLook(watched, json);
      await goOn(stage, signal, () => over);
    }
  } finally {
    await lifecycle.stop();
  }
}

interface Stage {
  readonly dataDir: string;
  readonly logger: Logger;
  readonly pki: DevelopmentPki;
  readonly app: RunningApp;
  readonly db: Database;
  readonly events: EventBus;
}

/** The same server as "serve --dev", with a second door that accepts the operator's anchor alone; ports are free ones. */
async function startStage(dataDir: string, lifecycle: ReturnType<typeof createLifecycle>): Promise<Stage> {
  const { pki, config: plain } = await prepareDevelopment(systemClock, { dataDir, management: { port: 0 } });
  const config = withDemoDoors(plain);
  // The table is the log: only what is wrong with the server itself interrupts it.
  const logger = createLogger(config.log.level === 'info' ? 'error' : config.log.level);
  const metrics = createMetrics();
  const events = createEventBus({ logger, metrics });
  const { db, close } = await openDatabase({ config, logger, metrics });
  lifecycle.started('database', close);
  const app = await startApp({ config, mode: 'development', db, logger, metrics, events, clock: systemClock });
  lifecycle.started('doors', () => app.stop());
  return { dataDir, logger, pki, app, db, events };
}

function withDemoDoors(config: Config): Config {
  const [door] = config.listeners;
  if (door === undefined) throw new Error('development has a door');
  const listeners = demoDoors.map(({ name, anchors }) => ({ ...door, name, anchors: [...anchors], port: 0 }));
  return { ...config, listeners };
}

async function play(stage: Stage, json: boolean): Promise<readonly StepOutcome[]> {
  const scenarios = demoScenarios(Math.floor(systemClock.now().getTime() / 1000));
  await enrolInto(
    stage.db,
    scenarios.flatMap(({ prepare }) => prepare),
  );
  if (!json) print(demoHead());
  return runScenarios(scenarios, contextOf(stage), stage.events, show(json));
}

const show = (json: boolean) => (outcome: StepOutcome) => (json ? printJson(outcome) : print(demoRow(outcome)));

function contextOf({ app, pki }: Stage): ScenarioContext {
  const url = (name: string): string => app.doors.find((door) => door.name === name)?.url ?? '';
  return { pki, doors: { main: url('main'), second: url('second') }, at: systemClock.now() };
}

/** Afterwards and one by one, since each sets the policy that it needs. */
async function playRevocation(
  stage: Stage,
  lifecycle: ReturnType<typeof createLifecycle>,
  json: boolean,
): Promise<readonly StepOutcome[]> {
  const server = await startRevocationServer({ pki: stage.pki, now: () => systemClock.now() });
  lifecycle.started('revocation server', () => server.close());
  const desk = await createDemoDesk({ ...stage, server });
  const scenarios = revocationScenarios(Math.floor(systemClock.now().getTime() / 1000), desk);
  await enrolInto(
    stage.db,
    scenarios.flatMap(({ prepare }) => prepare),
  );
  const outcomes = await runScenarios(scenarios, contextOf(stage), stage.events, show(json), 1);
  await desk.close();
  return outcomes;
}

/** Before the first client comes, so that the first refusal is an increase. */
async function watch({ app, dataDir }: Stage, lifecycle: ReturnType<typeof createLifecycle>): Promise<string> {
  const { url, stop } = await startPrometheus({
    folder: join(dataDir, 'prometheus'),
    targets: [app.management],
    interval: 1,
  });
  lifecycle.started('prometheus', stop);
  return url;
}

/** The clients come again and again, for the curves to have something to show. */
async function goOn(stage: Stage, signal: Promise<void>, over: () => boolean): Promise<void> {
  while (!over()) {
    const scenarios = demoScenarios(Math.floor(systemClock.now().getTime() / 1000));
    const prepared = scenarios.flatMap(({ prepare }) => prepare);
    await enrolInto(stage.db, prepared);
    await Promise.race([runScenarios(scenarios, contextOf(stage), stage.events, () => undefined), signal]);
    await Promise.race([sleep(pauseBetween), signal]);
  }
}

const pauseBetween = 5000;

function introduce({ app }: Stage, dataDir: string): void {
  for (const { name, url } of app.doors) print(`${paint('bold', `CWMP ${name}`.padEnd(12))} ${url}`);
  print(`${paint('bold', 'Management'.padEnd(12))} ${app.management}/metrics`);
  print(`${paint('bold', 'Data'.padEnd(12))} ${dataDir}\n`);
}

function conclude(outcomes: readonly StepOutcome[], json: boolean): void {
  const unexpected = outcomes.filter(({ differences }) => differences.length > 0).length;
  const expected = outcomes.length - unexpected;
  if (json) printJson({ expected, unexpected });
  else print(`\n${expected} as expected, ${unexpected} not`);
  if (unexpected > 0) process.exitCode = exitCodes.no;
}
