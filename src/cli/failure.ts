import { type ConfigFault, StartError } from '../config/fault.ts';
import { DatabaseError } from '../platform/database-error.ts';

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
  if (faults.length > 0 && faults.every(({ missing }) => missing === true))
    return failure(exitCodes.unavailable, ['what the configuration names is not to be had', ...lines].join('\n  '));
  const head = faults.length === 1 ? 'the configuration is wrong' : `the configuration has ${faults.length} faults`;
  return failure(exitCodes.usage, [head, ...lines].join('\n  '));
}

const fileCauses: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  ENOTDIR: 'is no folder, or lies in what is none',
  EISDIR: 'is a folder',
  EEXIST: 'is there already, and is something else',
  EACCES: 'may not be used by this user',
  EPERM: 'may not be used by this user',
  EROFS: 'cannot be written: the file system is read-only',
  ENOSPC: 'cannot be written: the disk is full',
  EDQUOT: 'cannot be written: the quota of this user is used up',
  ENAMETOOLONG: 'has too long a name',
};

/** What node:fs says of a file or folder that a user named; undefined: it says something else. */
export function fileFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const cause = fileCauses[code ?? ''];
  if (path === undefined || cause === undefined) return undefined;
  return failure(exitCodes.unavailable, `${path} ${cause}`, 'check the path, who may use it and the room on the disk');
}

/** What a user can do something about; undefined: a defect of ours. */
export function asFailure(error: unknown): Failure | undefined {
  if (isFailure(error)) return error;
  if (error instanceof StartError) return configFailure(error.faults);
  if (error instanceof DatabaseError) return failure(exitCodes.unavailable, error.message, error.remedy);
  // Errors of rooms that are loaded only where they are needed: one that knows a remedy is no defect of ours.
  if (error instanceof Error && 'remedy' in error && typeof error.remedy === 'string')
    return failure(exitCodes.unavailable, error.message, error.remedy);
  return fileFailure(error);
}
