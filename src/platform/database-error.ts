export type DatabaseErrorKind =
  /** Nobody answers, or the connection broke. */
  | 'unreachable'
  /** The server does not let us in. */
  | 'authentication'
  /** The database of the URL does not exist. */
  | 'no-such-database'
  | 'too-many-connections'
  /** Every connection of our own pool is lent for longer than we wait. */
  | 'busy'
  /** The server is older than hems needs. */
  | 'too-old'
  /** The schema was made by a newer hems. */
  | 'newer-than-code'
  /** A migration that is already applied was edited, or its file is faulty. */
  | 'migration'
  /** The embedded Postgres cannot run here. */
  | 'embedded';

/** A fault of the database that a person can mend. `message` is the cause in one line, without secrets. */
export class DatabaseError extends Error {
  readonly kind: DatabaseErrorKind;
  readonly remedy: string;

  constructor(kind: DatabaseErrorKind, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseError';
    this.kind = kind;
    this.remedy = remedy;
  }
}

/** Host, port and database of a URL for messages; never its user's password. */
export function databaseLabel(url: string): string {
  try {
    const parsed = new URL(url);
    // A password whose "/" or "@" is not percent-encoded would pass for host or path.
    if (!/^postgres(ql)?:$/.test(parsed.protocol) || /@|%40/i.test(parsed.pathname)) return 'the configured URL';
    const socket = parsed.searchParams.get('host');
    const place = socket ?? `${parsed.hostname}:${parsed.port || '5432'}`;
    return `${decodeURIComponent(parsed.pathname.slice(1)) || '(default database)'} at ${place}`;
  } catch {
    return 'the configured URL';
  }
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPIPE',
  'EACCES',
]);

const authenticationCodes = new Set(['28000', '28P01']);

/** Connection exceptions, shutdown and crash of the server: the statement may or may not have been carried out. */
const goneCodes = /^(08|57P0[123])/;

function sqlState(error: Error): string {
  return String((error as { code?: unknown }).code ?? '');
}

/**
 * The error as people should read it: connection faults become a DatabaseError, everything that the server answered to
 * a statement (constraint, syntax, timeout) stays as it is.
 */
export function explainDatabaseError(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseError) return error;
  const code = sqlState(error);
  const label = databaseLabel(url);
  const options = { cause: error };
  if (authenticationCodes.has(code))
    return new DatabaseError(
      'authentication',
      `the database ${label} refuses the user: ${error.message}`,
      'check user and password in DATABASE_URL (or DATABASE_URL_FILE, or database.url)',
      options,
    );
  if (code === '3D000')
    return new DatabaseError(
      'no-such-database',
      `${error.message} (${label})`,
      'create it: createdb, or CREATE DATABASE',
      options,
    );
  if (code === '53300')
    return new DatabaseError(
      'too-many-connections',
      `the server has no connection left (${label})`,
      'lower database.poolSize or raise max_connections of the server',
      options,
    );
  if (networkCodes.has(code) || goneCodes.test(code) || isLostConnection(error))
    return new DatabaseError(
      'unreachable',
      `the database ${label} cannot be reached: ${networkCause(error)}`,
      'check that the server runs and that host and port in DATABASE_URL (or database.url) are right',
      options,
    );
  return error;
}

/** Faults that pg itself words without a code. */
function isLostConnection(error: Error): boolean {
  return /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|The server does not support SSL|Query read timeout)/.test(
    error.message,
  );
}

function networkCause(error: Error): string {
  // Node tries every address of a name; the AggregateError itself has an empty message.
  const errors = (error as { errors?: unknown }).errors;
  if (Array.isArray(errors)) return errors.map((e) => (e instanceof Error ? e.message : String(e))).join('; ');
  return error.message;
}
