import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { createEgress } from '../platform/egress/egress.ts';
import type { Database } from '../platform/postgres.ts';
import { createMetrics } from '../platform/telemetry.ts';
import { isDevelopmentPki, openDevelopmentPki } from '../simulator/development-pki.ts';
import { loadAnchors, type TrustAnchor } from '../trust/anchors.ts';
import { readCrl } from '../trust/revocation/crl-reader.ts';
import type { DeskDeps, Unconfirmed } from '../trust/revocation/desk.ts';
import type { CutOff, Impact } from '../trust/revocation/impact.ts';
import { type ConfigOptions, commandLogger, developmentConfig, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { developmentDefaults } from './development.ts';
import { configFailure, exitCodes, failure } from './failure.ts';
import { print, printable, printJson, table } from './terminal.ts';

export interface RevocationOptions extends DeskOptions {
  readonly json?: boolean;
  readonly reason?: string;
  readonly confirm?: number;
}

export function revocationOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: HEMS_CONFIG, or the embedded database)')
    .option('--data-dir <dir>', 'data directory of the embedded database (default: HEMS_DATA_DIR or ./var)')
    .option('--json', 'for machines');
}

/** The configured trust anchors; without any the development PKI of the data directory. */
export async function toolAnchors(options: ConfigOptions): Promise<readonly TrustAnchor[]> {
  const config = toolConfig(options);
  const pki = join(config.dataDir, 'pki');
  const configs =
    config.anchors.length > 0
      ? config.anchors
      : (await isDevelopmentPki(pki))
        ? developmentConfig(developmentDefaults(await openDevelopmentPki(pki)), { dataDir: config.dataDir }).anchors
        : undefined;
  if (configs === undefined)
    throw failure(
      exitCodes.usage,
      'the trust anchors are not known, and nothing can be judged without',
      'name the configuration with --config FILE or HEMS_CONFIG',
    );
  const at = systemClock.now();
  const loaded = await loadAnchors(configs, { readFile: (path) => readFile(path, 'utf8'), at, production: false });
  if (!loaded.ok) throw configFailure(loaded.faults);
  return loaded.anchors;
}

/** With the database, the anchors and, unless `offline`, a way out: what every weighing of devices needs. */
export async function withDesk<T>(options: DeskOptions, fn: (desk: DeskDeps) => Promise<T>): Promise<T> {
  const config = toolConfig(options);
  const logger = commandLogger(config);
  const anchors = (await toolAnchors(options)).map(({ path }) => path);
  const complain = (error: unknown, message: string): void => logger.error({ err: error }, message);
  const egress = createEgress({ clock: systemClock, metrics: createMetrics({ process: false }) });
  const wayOut = options.offline === true ? {} : { egress };
  try {
    return await withDatabase({ config, logger }, (db) =>
      fn({ db, clock: systemClock, anchors, readCrl, complain, ...wayOut }),
    );
  } finally {
    egress.close();
  }
}

export interface DeskOptions extends ConfigOptions {
  /** Fetch nothing. */
  readonly offline?: boolean;
}

export function withRevocationDatabase<T>(options: ConfigOptions, fn: (db: Database) => Promise<T>): Promise<T> {
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, fn);
}

const mostListed = 50;

/** Who would be refused, by cause and one by one. */
export function printImpact(impact: Impact): void {
  const { active, refused, open, unjudged } = impact;
  if (refused.length === 0) print(`None of ${active} active devices would be refused.`);
  else {
    print(`${refused.length} of ${active} active devices would be refused:`);
    const causes = Map.groupBy(refused, ({ outcome, cause, detail }) => `${outcome}: ${cause} (${detail})`);
    for (const [cause, list] of causes) print(`  ${String(list.length).padStart(7)}  ${cause}`);
    print(listed(refused));
  }
  if (open > 0) print(`Of ${open} nobody knows before a source is asked when they come.`);
  if (unjudged > 0)
    print(`${unjudged} could not be judged: no whole certificate is kept, or its path is not good now.`);
}

function listed(refused: readonly CutOff[]): string {
  const shown = refused.slice(0, mostListed);
  const rows = table(shown, [
    { title: 'device', value: ({ deviceId }) => deviceId },
    { title: 'identity', value: ({ identity }) => printable(identity) },
    { title: 'cause', value: ({ cause }) => cause },
    { title: 'detail', value: ({ detail }) => detail },
    { title: 'now', value: ({ newly }) => (newly ? 'has sessions' : 'refused too') },
  ]);
  const rest = refused.length - shown.length;
  return rest > 0 ? `${rows}\n… and ${rest} more (--json lists all)` : rows;
}

/** Too many would be cut off for anybody to do it unawares. */
export function refuseUnconfirmed({ count, impact }: Unconfirmed, json: boolean | undefined): never {
  if (json === true) printJson({ ok: false, unconfirmed: count, impact });
  else printImpact(impact);
  throw failure(
    exitCodes.no,
    `${count} active devices that have sessions would be cut off; nothing was changed`,
    `if that is meant, say so: --confirm ${count}`,
  );
}
