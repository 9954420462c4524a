import type { Command } from 'commander';
import { migrationState } from '../platform/migrations.ts';
import { commandLogger, toolConfig } from './configuration.ts';
import { migrationsDirectory, withDatabase } from './database-access.ts';
import { print, printJson } from './terminal.ts';

export function addMigrateCommand(hems: Command): void {
  hems
    .command('migrate')
    .description('bring the schema of the database up to date; safe to run from several nodes at once')
    .option('--config <file>', 'configuration file (default: HEMS_CONFIG, or the embedded database)')
    .option('--data-dir <dir>', 'data directory of the embedded database (default: HEMS_DATA_DIR or ./var)')
    .option('--json', 'print {"migrations":[…]}')
    .action(async (options: { config?: string; dataDir?: string; json?: boolean }) => {
      const config = toolConfig(options);
      await withDatabase({ config, logger: commandLogger(config), migrate: true }, async (db) => {
        const { applied } = await migrationState(db, migrationsDirectory);
        if (options.json === true) printJson({ migrations: applied });
        else print(`The schema is up to date: ${applied.join(', ')}.`);
      });
    });
}
