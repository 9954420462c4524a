import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { maskSecrets, printConfig } from '../config/mask.ts';
import { processEnvironment } from '../config/process-environment.ts';
import type { Config } from '../config/schema.ts';
import { accepted } from './configuration.ts';
import { print, printJson } from './terminal.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

function load(options: Options): { config: Config; warnings: readonly { key: string; cause: string }[] } {
  return accepted(
    loadConfig({ env: processEnvironment(), ...(options.config !== undefined && { file: options.config }) }),
  );
}

export function addConfigCommands(hems: Command): void {
  const config = hems.command('config').description('look at the configuration without starting anything');
  const file = '--config <file>';
  const fileHelp = 'configuration file (default: HEMS_CONFIG)';
  config
    .command('check')
    .description('read file and environment as "serve" would, and say what is wrong with them')
    .option(file, fileHelp)
    .option('--json', 'print {"ok":true,"warnings":[…]}')
    .action((options: Options) => {
      const { warnings } = load(options);
      if (options.json === true) return printJson({ ok: true, warnings });
      for (const { key, cause } of warnings) print(`warning: ${key}: ${cause}`);
      print('The configuration is in order.');
    });
  config
    .command('print')
    .description('print the effective configuration, secrets masked')
    .option(file, fileHelp)
    .option('--json', 'as JSON instead of YAML (durations in milliseconds)')
    .action((options: Options) => {
      const { config: effective } = load(options);
      if (options.json === true) printJson(maskSecrets(effective));
      else print(printConfig(effective).trimEnd());
    });
}
