import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import { createRegister } from '../fleet/register.ts';
import { systemClock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { type AuditDesk, createAuditDesk } from '../trust/audit-desk.ts';
import { checkpointExport } from '../trust/audit-keeping.ts';
import { type AuditFilter, type AuditPage, auditKinds } from '../trust/audit-listing.ts';
import { parseExported } from '../trust/checkpoint.ts';
import type { CheckpointDeps } from '../trust/checkpoints.ts';
import { dropPartitions } from '../trust/evidence-retention.ts';
import type { Verification } from '../trust/evidence-verify.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { type ConfigOptions, commandLogger, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { databaseOptions, registerOptions } from './access-options.ts';
import { oneDevice } from './device-access.ts';
import { moment } from './device-filter.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { progressLine } from './progress.ts';
import { secretStore } from './secret-command.ts';
import { remoteAudit } from './server/remote-evidence.ts';
import { type RegisterAccess, remoteRegister } from './server/remote-register.ts';
import { serverApi } from './server/server-api.ts';
import { print, printJson, table } from './terminal.ts';

interface Options extends ConfigOptions {
  readonly json?: boolean;
}

export function addAuditCommands(hems: Command): void {
  const audit = hems.command('audit').description('who let what in, and whether the record of it is whole');
  const time = moment(() => systemClock.now());
  registerOptions(audit.command('show'))
    .description(
      'decisions about devices, suspicions, and changes of the register, of revocation, access and files; newest first',
    )
    .option('--device <device>', 'id, identity, OUI-Serial, or fingerprint of a certificate')
    .option('--kind <kind>', auditKinds.join(', '), oneOf(auditKinds))
    .option('--person <text>', 'part of a name: maria@noc')
    .option('--reason <text>', 'part of what a person gave, an action, a refusal’s reason, or a suspicion')
    .option('--since <time>', 'a date or a time in UTC', time)
    .option('--until <time>', 'a date or a time in UTC', time)
    .option('--after <time id>', 'go on behind this one: what "More" of the page before said')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 50)
    .action(show);
  registerOptions(audit.command('verify'))
    .description('read every row and find any that was altered, taken away or put elsewhere')
    .option('--checkpoints <file>', 'signed checkpoints that were exported, one JSON line each')
    .option('--public-key <base64>', 'the key that must have signed them: "hems audit key"')
    .action(verify);
  registerOptions(audit.command('checkpoint'))
    .description('sign now where every chain ends, and export it')
    .action((options: Options) => withAudit(options, (parts) => checkpoint(parts, options)));
  registerOptions(audit.command('key'))
    .description('the public key that checkpoints are signed with; keep it outside')
    .action((options: Options) => withAudit(options, (parts) => key(parts, options)));
  databaseOptions(audit.command('drop'))
    .description(
      'drop whole partitions that ended before a time, behind an exported checkpoint; as owner of the schema',
    )
    .requiredOption('--before <time>', 'a date', time)
    .action(drop);
}

interface Parts {
  readonly audit: AuditDesk;
  readonly register: Pick<RegisterAccess, 'find'>;
}

function depsOf(config: Config, db: Database): CheckpointDeps {
  return { db, clock: systemClock, secrets: secretStore(config, db), exportTo: checkpointExport(config.audit) };
}

function withAudit<T>(options: ConfigOptions, fn: (parts: Parts) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn({ audit: remoteAudit(api), register: remoteRegister(api) });
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, (db) =>
    fn({ audit: createAuditDesk(depsOf(config, db)), register: createRegister({ db, clock: systemClock }) }),
  );
}

interface ShowOptions extends Options, Omit<AuditFilter, 'after'> {
  readonly after?: string;
  readonly limit: number;
}

async function show(options: ShowOptions): Promise<void> {
  const { device, kind, person, reason, since, until } = options;
  const after = options.after === undefined ? undefined : position(options.after);
  await withAudit(options, async ({ audit, register }) => {
    const deviceId = device === undefined ? undefined : await oneDevice(register, device);
    const filter: AuditFilter = {
      ...(deviceId !== undefined && { device: deviceId }),
      ...(kind !== undefined && { kind }),
      ...(person !== undefined && { person }),
      ...(reason !== undefined && { reason }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(after !== undefined && { after }),
    };
    const page = await audit.list(filter, options.limit);
    if (options.json === true) printJson(page);
    else printAudit(page);
  });
}

function position(text: string): { at: Date; id: string } {
  const [time, id] = text.split(/[ ,]/);
  const at = new Date(time ?? '');
  if (Number.isNaN(at.getTime()) || !/^[0-9a-f-]{36}$/i.test(id ?? ''))
    throw failure(exitCodes.usage, '--after is not what the page before said');
  return { at, id: id ?? '' };
}

function printAudit({ records, next }: AuditPage): void {
  if (records.length === 0) return void print('Nothing.');
  print(
    table(records, [
      { title: 'AT', value: ({ at }) => at.toISOString().slice(0, 19) },
      { title: 'DEVICE', value: ({ deviceId }) => deviceId ?? '-' },
      { title: 'WHAT', value: ({ kind, what }) => `${kind} ${what}` },
      { title: 'WHO', value: ({ actorKind, actor }) => (actor === null ? '-' : `${actorKind}:${actor}`), limit: 40 },
      { title: 'WHY', value: ({ why }) => why ?? '-', limit: 40 },
      { title: 'FACTS', value: ({ before, after }) => facts(before, after), limit: 100 },
    ]),
  );
  if (next !== undefined) print(`More: --after ${next.at.toISOString()},${next.id}`);
}

function facts(before: unknown, after: unknown): string {
  return [before, after].flatMap((side) => (side === null ? [] : [JSON.stringify(side)])).join(' → ');
}

interface VerifyOptions extends Options {
  readonly checkpoints?: string;
  readonly publicKey?: string;
}

async function verify(options: VerifyOptions): Promise<void> {
  const exported = options.checkpoints === undefined ? undefined : await readExported(options.checkpoints);
  await withAudit(options, async ({ audit }) => {
    const progress = progressLine(await audit.rows(), 'rows');
    const verification = await audit.verify({
      ...(exported !== undefined && { exported }),
      ...(options.publicKey !== undefined && { publicKey: Buffer.from(options.publicKey, 'base64') }),
      onProgress: progress.at,
    });
    progress.end();
    if (options.json === true) printJson(verification);
    else printVerification(verification);
    if (verification.findings.length > 0) process.exitCode = exitCodes.no;
  });
}

async function readExported(path: string) {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw failure(exitCodes.unavailable, `${path} cannot be read: ${error.message}`, 'name a readable file');
  });
  // From syslog each line has a head before the JSON.
  const lines = text.split('\n').flatMap((line) => (line.includes('{') ? [line.slice(line.indexOf('{'))] : []));
  const found = lines.map(parseExported);
  if (found.length === 0 || found.some((one) => one === undefined))
    throw failure(
      exitCodes.usage,
      `${path} is no file of exported checkpoints`,
      'give what audit.checkpointFile names',
    );
  return found.flatMap((one) => one ?? []);
}

function printVerification({ rows, chains, checkpoints, unchained, findings }: Verification): void {
  print(`${rows} rows in ${chains} chains, ${checkpoints} checkpoints.`);
  for (const source of unchained) print(`${source}: there are rows from before the chains, of which nothing is known.`);
  for (const { message } of findings) print(`  ${message}`);
  print(
    findings.length === 0 ? 'Nothing was altered, taken away or put elsewhere.' : 'The audit is not as it was written.',
  );
  if (checkpoints === 0) print('No checkpoint is signed: the owner of the database could have rewritten everything.');
}

async function checkpoint({ audit }: Parts, { json }: Options): Promise<void> {
  const made = await audit.checkpoint(byOperator());
  if (!made.ok) throw failure(exitCodes.unavailable, made.cause, keyRemedy);
  const { number, at, exportedTo, exportFailure } = made;
  if (json === true) printJson({ number, at, exportedTo });
  else
    print(
      `Checkpoint ${number} is signed${exportedTo === null ? ', and lies in the database alone' : `: ${exportedTo}`}.`,
    );
  if (exportFailure === undefined) return;
  throw failure(exitCodes.unavailable, `it could not be exported: ${exportFailure}`, 'see audit.checkpointFile');
}

const keyRemedy = 'set HEMS_SECRET_KEY or HEMS_SECRET_KEY_FILE to the key of this installation';

async function key({ audit }: Parts, { json }: Options): Promise<void> {
  const found = await audit.key();
  if (!found.ok) throw failure(exitCodes.unavailable, found.cause, keyRemedy);
  const publicKey = found.publicKey.toString('base64');
  if (json === true) printJson({ publicKey });
  else print(publicKey);
}

/** As owner of the schema, and so beside the database alone. */
async function drop({ before, json, ...options }: Options & { before: Date }): Promise<void> {
  const config = toolConfig(options);
  const access = { config, logger: commandLogger(config), asOwner: true };
  const result = await withDatabase(access, (db) => dropPartitions(depsOf(config, db), before));
  if (json === true) printJson(result);
  else {
    for (const partition of result.dropped) print(`dropped ${partition}`);
    for (const { partition, cause } of result.kept) print(`kept ${partition}: ${cause}`);
    if (result.dropped.length + result.kept.length === 0) print('No partition ended before then.');
  }
  if (result.kept.length > 0) process.exitCode = exitCodes.no;
}
