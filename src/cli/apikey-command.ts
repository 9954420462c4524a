import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { type ApiKey, createApiKeys } from '../trust/access/api-keys.ts';
import { type Role, roleNames } from '../trust/access/roles.ts';
import { instant, oneOf, wholeNumber } from './arguments.ts';
import { type ConfigOptions, commandLogger, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { registerOptions } from './access-options.ts';
import { exitCodes, failure } from './failure.ts';
import { byOperator } from './operator.ts';
import { type KeysAccess, remoteKeys } from './server/remote-evidence.ts';
import { serverApi } from './server/server-api.ts';
import { print, printJson, table } from './terminal.ts';

interface KeyOptions extends ConfigOptions {
  readonly json?: boolean;
  readonly reason?: string;
}

interface CreateOptions extends KeyOptions {
  readonly role: Role;
  readonly group?: string;
  readonly expires?: Date;
}

interface ListOptions extends KeyOptions {
  readonly limit: number;
  readonly after?: string;
}

export function addApiKeyCommands(hems: Command): void {
  const apikey = hems.command('apikey').description('keys for the management door’s API');
  registerOptions(apikey.command('create'))
    .description('make a key; it is shown once, and kept as a hash only')
    .argument('<name>', 'who will use it; stands in the audit')
    .requiredOption('--role <role>', roleNames.join(', '), oneOf(roleNames))
    .option('--group <tag>', 'only for the devices with this tag')
    .option('--expires <time>', 'an ISO time: 2026-12-31T00:00:00Z', instant)
    .option('--reason <text>', 'for the audit')
    .action(create);
  registerOptions(apikey.command('list'))
    .description('every key there was, without its secret')
    .option('--limit <n>', 'how many', wholeNumber(1, 1000), 100)
    .option('--after <id>', 'go on behind this one')
    .action(list);
  registerOptions(apikey.command('revoke'))
    .description('a key opens nothing from now on, on all nodes')
    .argument('<key>', 'its id or name')
    .option('--reason <text>', 'for the audit')
    .action(revoke);
}

function withKeys<T>(options: KeyOptions, fn: (keys: KeysAccess) => Promise<T>): Promise<T> {
  const api = serverApi(options);
  if (api !== undefined) return fn(remoteKeys(api));
  const config = toolConfig(options);
  return withDatabase({ config, logger: commandLogger(config) }, (db) => fn(createApiKeys({ db, clock: systemClock })));
}

const longestName = 100;
const longestTag = 64;

async function create(name: string, options: CreateOptions): Promise<void> {
  const { role, group, expires } = options;
  if (name.length < 1 || name.length > longestName || /\p{Cc}/u.test(name))
    throw failure(exitCodes.usage, 'this is no name of a key', `write 1 to ${longestName} printable characters`);
  if (group !== undefined && (group.length < 1 || group.length > longestTag))
    throw failure(exitCodes.usage, 'this is no tag', `write 1 to ${longestTag} characters`);
  await withKeys(options, async (keys) => {
    const made = await keys.create({ name, role, group, expiresAt: expires }, byOperator(options.reason));
    if (!made.ok) throw failure(exitCodes.no, made.cause, 'choose another name, or revoke that one first');
    if (options.json === true) return void printJson({ ...made.key, secret: made.secret });
    print(`${made.secret}\n`);
    print(
      `This is key ${made.key.id}, ${name}, ${role}${group === undefined ? '' : ` of ${group}`}. It is shown once.`,
    );
    print('Send it as: Authorization: Bearer KEY');
  });
}

function stateOf({ revokedAt, expiresAt }: ApiKey, at: Date): 'revoked' | 'expired' | 'in force' {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= at ? 'expired' : 'in force';
}

async function list({ after, limit, ...options }: ListOptions): Promise<void> {
  await withKeys(options, async (keys) => {
    const page = await keys.list({ after, limit });
    if (options.json === true) return void printJson(page);
    if (page.keys.length === 0) return print('There is no key.');
    const time = (at: Date | null): string => at?.toISOString().slice(0, 19) ?? '-';
    const at = systemClock.now();
    print(
      table(page.keys, [
        { title: 'KEY', value: ({ id }) => id },
        { title: 'NAME', value: ({ name }) => name, limit: 40 },
        { title: 'ROLE', value: ({ role }) => role },
        { title: 'GROUP', value: ({ group }) => group ?? '-' },
        { title: 'STATE', value: (key) => stateOf(key, at) },
        { title: 'EXPIRES', value: ({ expiresAt }) => time(expiresAt) },
        { title: 'LAST USED', value: ({ lastUsedAt }) => time(lastUsedAt) },
      ]),
    );
    if (page.next !== undefined) print(`More: --after ${page.next}`);
  });
}

async function revoke(text: string, options: KeyOptions): Promise<void> {
  await withKeys(options, async (keys) => {
    const result = await keys.revoke(text, byOperator(options.reason));
    if (!result.ok) throw failure(exitCodes.no, result.cause, '"hems apikey list" shows them');
    if (options.json === true) return void printJson({ id: result.key.id, changed: result.changed });
    print(`Key ${result.key.id} (${result.key.name}) is revoked${result.changed ? '' : ' already'}.`);
  });
}
