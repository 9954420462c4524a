import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import type { Database } from '../platform/postgres.ts';
import { createSecretStore, type SecretStore } from '../platform/secrets.ts';
import { readWrappingKeys } from '../platform/wrapping-keys.ts';
import { type ConfigOptions, commandLogger, toolConfig } from './configuration.ts';
import { withDatabase } from './database-access.ts';
import { databaseOptions } from './access-options.ts';
import { exitCodes, failure } from './failure.ts';
import { print, printJson } from './terminal.ts';

export function secretStore({ secretKey }: Pick<Config, 'secretKey'>, db: Database): SecretStore {
  return createSecretStore(db, secretKey === undefined ? undefined : readWrappingKeys(secretKey));
}

export function addSecretCommands(hems: Command): void {
  const secret = hems.command('secret').description('the key that wraps secrets at rest (HEMS_SECRET_KEY)');
  secret
    .command('key')
    .description('a new wrapping key: 32 random bytes in base64')
    .action(() => print(randomBytes(32).toString('base64')));
  databaseOptions(secret.command('rotate'))
    .description('wrap everything anew under the first key of HEMS_SECRET_KEY; set "NEW,OLD" on every node before')
    .action(rotate);
}

async function rotate(options: ConfigOptions & { json?: boolean }): Promise<void> {
  const config = toolConfig(options);
  if (config.secretKey === undefined)
    throw failure(
      exitCodes.usage,
      'HEMS_SECRET_KEY is not set',
      'set it to the new key, a comma, and the old key; "hems secret key" makes one',
    );
  const result = await withDatabase({ config, logger: commandLogger(config) }, (db) =>
    secretStore(config, db).rotate(),
  );
  if (result.unreadable.length > 0)
    throw failure(
      exitCodes.no,
      `no key of HEMS_SECRET_KEY opens ${result.unreadable.join(', ')}; nothing was changed`,
      'add the key that wrapped them behind the new one, separated by a comma',
    );
  if (options.json === true) printJson(result);
  else print(`${result.rewrapped} secrets are wrapped anew. Once every node has restarted, the old key may go.`);
}
