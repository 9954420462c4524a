import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManagementConfig } from '../config/schema.ts';
import { systemClock } from '../platform/clock.ts';
import { createEgress } from '../platform/egress/egress.ts';
import type { Database } from '../platform/postgres.ts';
import { createMetrics } from '../platform/telemetry.ts';
import { isDevelopmentPki, openDevelopmentPki } from '../simulator/development-pki.ts';
import { loadStaffAnchor } from '../trust/access/staff-certificates.ts';
import { loadAnchors, type TrustAnchor } from '../trust/anchors.ts';
import { readCrl } from '../trust/revocation/crl-reader.ts';
import type { Unconfirmed } from '../trust/revocation/desk.ts';
import type { CutOff, Impact } from '../trust/revocation/impact.ts';
import { createRevocationDesk, type RevocationDesk } from '../trust/revocation/revocation-desk.ts';
import { type ConfigOptions, commandLogger, developmentConfig, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { developmentDefaults } from './development.ts';
import { registerOptions } from './access-options.ts';
import { configFailure, exitCodes, failure } from './failure.ts';
import { remoteDesk } from './server/remote-desk.ts';
import { serverApi } from './server/server-api.ts';
import { print, printable, printJson, table } from './terminal.ts';

export interface RevocationOptions extends DeskOptions {
  readonly json?: boolean;
  readonly reason?: string;
  readonly confirm?: number;
}

export const revocationOptions = registerOptions;

const readText = (path: string): Promise<string> => readFile(path, 'utf8');

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
  const loaded = await loadAnchors(configs, { readFile: readText, at, production: false });
  if (!loaded.ok) throw configFailure(loaded.faults);
  return loaded.anchors;
}

/** The desk of the server, or one beside the database with the anchors and, unless `offline`, a way out. */
export async function withDesk<T>(options: DeskOptions, fn: (desk: RevocationDesk) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(remoteDesk(api));
  const config = toolConfig(options);
  const logger = commandLogger(config);
  const anchors = await deskAnchors(options, config.management);
  const complain = (error: unknown, message: string): void => logger.error({ err: error }, message);
  const egress = createEgress({ clock: systemClock, metrics: createMetrics({ process: false }) });
  const wayOut = options.offline === true ? {} : { egress };
  try {
    return await withDatabase({ config, logger }, (db) =>
      fn(createRevocationDesk({ db, clock: systemClock, anchors, readCrl, complain, ...wayOut })),
    );
  } finally {
    egress.close();
  }
}

/** Those of devices and, where certificates open the management door, that of people. */
async function deskAnchors(options: ConfigOptions, { clientCertificates }: ManagementConfig) {
  const paths = (await toolAnchors(options)).map(({ path }) => path);
  if (clientCertificates === undefined) return paths;
  const reading = { readFile: readText, at: systemClock.now(), production: false };
  const staff = await loadStaffAnchor(clientCertificates, reading);
  if (!staff.ok) throw configFailure(staff.faults);
  return [...paths, staff.anchor];
}

/** The same without anchors, for what weighs nothing. */
export async function withReadingDesk<T>(options: ConfigOptions, fn: (desk: RevocationDesk) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(remoteDesk(api));
  const config = toolConfig(options);
  const complain = (): void => undefined;
  return withDatabase({ config, logger: commandLogger(config) }, (db) =>
    fn(createRevocationDesk({ db, clock: systemClock, anchors: [], readCrl, complain })),
  );
}

/** Beside the database alone. */
export function withRevocationDatabase<T>(options: ConfigOptions, fn: (db: Database) => Promise<T>): Promise<T> {
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, fn);
}

export interface DeskOptions extends ConfigOptions {
  /** Fetch nothing. */
  readonly offline?: boolean;
}

const mostListed = 50;

/** Who would be refused, by cause and one by one. */
export function printImpact(impact: Impact & Partial<Counted>): void {
  const { active, refused, open, unjudged } = impact;
  const count = impact.refusedCount ?? refused.length;
  if (count === 0) print(`None of ${active} active devices would be refused.`);
  else {
    print(`${count} of ${active} active devices would be refused:`);
    for (const one of impact.causes ?? causesOf(refused))
      print(`  ${String(one.count).padStart(7)}  ${one.outcome}: ${one.cause} (${one.detail})`);
    print(listed(refused, count));
  }
  if (open > 0) print(`Of ${open} nobody knows before a source is asked when they come.`);
  if (unjudged > 0)
    print(`${unjudged} could not be judged: no whole certificate is kept, or its path is not good now.`);
}

/** Over the API the first 10 000 come one by one, and all are counted. */
interface Counted {
  readonly refusedCount: number;
  readonly causes: readonly Cause[];
}

type Cause = Pick<CutOff, 'outcome' | 'cause' | 'detail'> & { readonly count: number };

function causesOf(refused: readonly CutOff[]): readonly Cause[] {
  const groups = Map.groupBy(refused, ({ outcome, cause, detail }) => `${outcome} ${cause} ${detail}`);
  return [...groups.values()].flatMap((list) => {
    const [first] = list;
    return first === undefined ? [] : [{ ...first, count: list.length }];
  });
}

function listed(refused: readonly CutOff[], count: number): string {
  const shown = refused.slice(0, mostListed);
  const rows = table(shown, [
    { title: 'device', value: ({ deviceId }) => deviceId },
    { title: 'identity', value: ({ identity }) => printable(identity) },
    { title: 'cause', value: ({ cause }) => cause },
    { title: 'detail', value: ({ detail }) => detail },
    { title: 'now', value: ({ newly }) => (newly ? 'has sessions' : 'refused too') },
  ]);
  const rest = count - shown.length;
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
