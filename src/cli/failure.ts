import type { ConfigFault } from '../config/fault.ts';

/** Exit codes, printed by `hems --help` and documented in the README. */
export const exitCodes = {
  ok: 0,
  /** The command ran and the answer is no: not found, refused, not as expected. */
  no: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** Something it needs is not there: a port, a file, the database. */
  unavailable: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A fault that a user can cause: what is wrong and what to do. Printed without a stack trace. */
export interface Failure {
  readonly failure: true;
  readonly code: ExitCode;
  readonly cause: string;
  readonly remedy?: string;
}

export function failure(code: ExitCode, cause: string, remedy?: string): Failure {
  return { failure: true, code, cause, ...(remedy === undefined ? {} : { remedy }) };
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && (value as { failure?: unknown }).failure === true;
}

/** All faults at once, each with its key and remedy: nobody wants to learn of them one start at a time. */
export function configFailure(faults: readonly ConfigFault[]): Failure {
  const lines = faults.map(({ key, cause, remedy }) => `${key}: ${cause}; ${remedy}`);
  const head = faults.length === 1 ? 'the configuration is wrong' : `the configuration has ${faults.length} faults`;
  return failure(exitCodes.usage, [head, ...lines].join('\n  '));
}
