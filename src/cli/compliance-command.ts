import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { isDevelopmentPki, openDevelopmentPki } from '../simulator/development-pki.ts';
import { type JudgedClause, judgeClauses } from '../trust/compliance/clauses.ts';
import { type ComplianceFacts, type Deviation, deviationsOf } from '../trust/compliance/deviations.ts';
import { currentOverride, currentPolicy } from '../trust/revocation/policy-store.ts';
import { type ConfigOptions, developmentConfig, toolConfig } from './configuration.ts';
import { developmentDefaults } from './development.ts';
import { exitCodes, failure } from './failure.ts';
import { withRevocationDatabase } from './revocation-access.ts';
import type { Page } from './server/paging.ts';
import { serverApi } from './server/server-api.ts';
import { paint, print, printable, printJson } from './terminal.ts';
import { registerOptions } from './access-options.ts';

interface ComplianceOptions extends ConfigOptions {
  readonly json?: boolean;
}

export function addComplianceCommand(hems: Command): void {
  registerOptions(hems.command('compliance'))
    .description(
      'the clauses of TS 33.320 against the configuration and the policy in force; exit code 1 if one deviates',
    )
    .action(compliance);
}

async function compliance(options: ComplianceOptions): Promise<void> {
  const judged = await judgedClauses(options);
  if (options.json === true) printJson(judged);
  else printClauses(judged);
  if (judged.some(({ verdict }) => verdict === 'deviates')) process.exitCode = exitCodes.no;
}

/** Of the running server by its own configuration, or of the configuration that lies here. */
async function judgedClauses(options: ConfigOptions): Promise<readonly JudgedClause[]> {
  const api = serverApi(options);
  if (api !== undefined) return (await api.get<Page<JudgedClause>>('/api/v1/compliance')).items;
  const setting = await settingOf(options);
  return withRevocationDatabase(options, async (db) =>
    judgeClauses(deviationsOf({ ...setting, ...(await policyInForce(db)) })),
  );
}

type Setting = Pick<ComplianceFacts, 'mode'> & { readonly config: Config };

/** The configured doors and anchors; without any those of `--dev` in the data directory. */
async function settingOf(options: ConfigOptions): Promise<Setting> {
  const config = toolConfig(options);
  if (config.anchors.length > 0) return { config, mode: 'production' };
  const pki = join(config.dataDir, 'pki');
  if (!(await isDevelopmentPki(pki)))
    throw failure(
      exitCodes.usage,
      'there is no configuration to judge',
      'name it with --config FILE or HEMS_CONFIG, or the data directory of "hems serve --dev" with --data-dir',
    );
  const defaults = developmentDefaults(await openDevelopmentPki(pki));
  return { config: developmentConfig(defaults, { dataDir: config.dataDir }), mode: 'development' };
}

async function policyInForce(db: Database): Promise<Pick<ComplianceFacts, 'policy' | 'overriddenUntil'>> {
  const [policy, override] = [await currentPolicy(db), await currentOverride(db)];
  const relaxed = override !== undefined && override.until > systemClock.now();
  return { policy: policy?.document, ...(relaxed && { overriddenUntil: override.until }) };
}

function printClauses(judged: readonly JudgedClause[]): void {
  for (const { clause, what, verdict, deviations } of judged) {
    const met = verdict === 'met';
    print(`${paint(met ? 'green' : 'yellow', met ? 'met     ' : 'deviates')} ${clause.padEnd(8)} ${what}`);
    for (const deviation of deviations) printDeviation(deviation);
  }
  const count = judged.filter(({ verdict }) => verdict === 'deviates').length;
  print(`\n${judged.length - count} of ${judged.length} clauses are met as they stand.`);
}

function printDeviation({ name, meaning, where, remedy }: Deviation): void {
  print(`           ${name}: ${meaning}`);
  print(`           at ${where.map((place) => printable(place)).join(', ')}; without it: ${remedy}`);
}
