import type { Environment } from './environment.ts';

/** The environment of this process; only `config` touches it. */
export function processEnvironment(): Environment {
  return process.env;
}
