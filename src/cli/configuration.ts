import type { Logger } from 'pino';
import { processEnvironment } from '../config/process-environment.ts';
import { type ConfigResult, loadConfig, type PartialConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createLogger } from '../platform/telemetry.ts';
import { configFailure } from './failure.ts';
import type { ServerOptions } from './server/target.ts';

export interface ConfigOptions extends ServerOptions {
  readonly config?: string;
  readonly dataDir?: string;
}

/** The configuration of the tools: file and environment where given, else the data directory alone. */
export function toolConfig(options: ConfigOptions): Config {
  return accepted(
    loadConfig({
      env: processEnvironment(),
      purpose: 'tool',
      ...(options.config !== undefined && { file: options.config }),
      ...(options.dataDir !== undefined && { overrides: { dataDir: options.dataDir } }),
    }),
  ).config;
}

export function accepted(result: ConfigResult): Extract<ConfigResult, { ok: true }> {
  if (!result.ok) throw configFailure(result.faults);
  return result;
}

/** What `--dev` and `demo` run on: the given defaults, and the environment without any file. */
export function developmentConfig(defaults: PartialConfig, overrides: PartialConfig = {}): Config {
  const { HEMS_CONFIG: _, ...env } = processEnvironment();
  return accepted(loadConfig({ env, defaults, overrides })).config;
}

export function commandLogger(config: Config): Logger {
  return createLogger(config.log.level);
}
