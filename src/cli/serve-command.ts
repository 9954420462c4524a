import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import { loadConfig } from '../config/load.ts';
import { workerCount } from '../config/worker-share.ts';
import { usableCores } from '../platform/workers/worker-pool.ts';
import type { Serving } from './serve-worker.ts';
import { processEnvironment } from '../config/process-environment.ts';
import { systemClock } from '../platform/clock.ts';
import { untilSignal } from '../platform/lifecycle.ts';
import { createLogger } from '../platform/telemetry.ts';
import { accepted } from './configuration.ts';
import { prepareDevelopment } from './development.ts';
import { exitCodes, failure } from './failure.ts';
import { paint, print, printJson } from './terminal.ts';

interface ServeOptions {
  readonly dev?: boolean;
  readonly config?: string;
  readonly migrate?: boolean;
  readonly json?: boolean;
}

export function addServeCommand(hems: Command): void {
  hems
    .command('serve')
    .description('run the H(e)MS: the CWMP door and the management door')
    .option('--dev', 'a development PKI, an embedded database, loopback only')
    .option('--config <file>', 'configuration file (default: HEMS_CONFIG)')
    .option('--migrate', 'bring the schema of the configured database up to date first')
    .option('--json', 'the ready line as JSON; logs go to standard error either way')
    .action(serve);
}

/** Everything that runs until a signal says stop; answers when all of it has stopped. */
async function serve(options: ServeOptions): Promise<void> {
  // Before anything is started: a Ctrl-C during the start is heard too.
  const signal = untilSignal();
  const setting = options.dev === true ? await developmentSetting(options) : productionSetting(options);
  const { config, mode } = setting;
  const logger = createLogger(config.log.level);
  for (const warning of setting.warnings) logger.warn(warning, 'configuration');
  const announced = (serving: Serving): void => announce(serving, config, options);
  const work = { config, mode, logger, signal, migrate: options.migrate === true, announce: announced };
  const workers = workerCount(config, usableCores());
  // A supervisor opens no door: what the doors need is loaded by its workers.
  if (workers > 1) await (await import('./serve-workers.ts')).serveWithWorkers({ ...work, workers });
  else await (await import('./serve-alone.ts')).serveAlone(work);
}

interface Setting {
  readonly config: Config;
  readonly mode: 'development' | 'production';
  readonly warnings: readonly object[];
}

async function developmentSetting(options: ServeOptions): Promise<Setting> {
  if (options.config !== undefined || processEnvironment().HEMS_CONFIG)
    throw failure(
      exitCodes.usage,
      '--dev brings its own configuration and takes no file',
      'drop --dev to serve the file, or drop --config (and HEMS_CONFIG) to try hems out',
    );
  const { config } = await prepareDevelopment(systemClock);
  return { config, mode: 'development', warnings: [] };
}

function productionSetting(options: ServeOptions): Setting {
  if (options.config === undefined && !processEnvironment().HEMS_CONFIG)
    throw failure(
      exitCodes.usage,
      'there is no configuration',
      'name one with --config FILE or HEMS_CONFIG (deploy/hems.example.yaml shows all keys), or try "hems serve --dev"',
    );
  const { config, warnings } = accepted(
    loadConfig({ env: processEnvironment(), ...(options.config !== undefined && { file: options.config }) }),
  );
  if (config.database.url === undefined)
    throw failure(
      exitCodes.usage,
      'database.url: there is none, and production does not run on the embedded database',
      'set DATABASE_URL, DATABASE_URL_FILE or database.url',
    );
  return { config, mode: 'production', warnings };
}

function announce(serving: Serving, config: Config, options: ServeOptions): void {
  const cwmp = serving.doors[0]?.url ?? '';
  const { management } = serving;
  if (options.json === true) {
    printJson({ ready: true, cwmp, management, dataDir: config.dataDir, pid: process.pid });
    return;
  }
  for (const door of serving.doors) print(`${paint('bold', `CWMP ${door.name}`.padEnd(12))} ${door.url}  (mutual TLS)`);
  print(`${paint('bold', 'Management'.padEnd(12))} ${management}/metrics  /healthz  /readyz`);
  if (options.dev !== true) return;
  print(`${paint('bold', 'Data'.padEnd(12))} ${config.dataDir}  (development PKI in pki/, Postgres in postgres/)`);
  // Elsewhere than where the commands would look by themselves.
  const place = config.dataDir === resolve('var') ? '' : ` --data-dir ${config.dataDir}`;
  print(`
Nobody is let in yet. In another terminal, make a femtocell, enrol it and let it call:

  npx hems pki issue --anchor acme --identity 00a0bc000001.hnb.acme.example --out ${config.dataDir}/cell${place}
  npx hems device add --anchor acme --identity 00a0bc000001.hnb.acme.example${place}
  npx hems simulate --url ${cwmp} --certs ${config.dataDir}/cell --count 1
  npx hems events${place}

Ctrl-C stops everything; the next start takes up the same data.`);
}
