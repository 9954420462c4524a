import type pg from 'pg';
import { prepareValue } from 'pg/lib/utils.js';
import { columnTypes } from './postgres-types.ts';

/** A statement that the server prepares once a connection; one name, one text. */
export interface PreparedQuery {
  readonly name: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

interface Answer {
  readonly rows: Record<string, unknown>[];
  count: number;
}

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

/** What pg's connection offers to those who submit to it, as far as it is used here. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  readonly parsedStatements: Readonly<Record<string, string | undefined>>;
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly unknown[] }): void;
  describe(message: { type: 'P'; name: '' }): void;
  execute(message: Record<string, never>): void;
  sync(): void;
}

interface RowDescription {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number; readonly format: string }[];
}

/** Columns of the statements that a connection has answered before, by name. */
const answered = new WeakMap<Wire, Map<string, readonly Column[]>>();

/**
 * Runs a prepared statement without asking for its columns again: they are described once a connection, since a
 * prepared statement cannot change them (the server refuses it when a migration has). Rejects as pg does.
 */
export function runPrepared(client: pg.ClientBase, query: PreparedQuery): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const submission = submit(query, (error, answer) => {
      if (answer === undefined) reject(error);
      else resolve(answer);
    });
    client.query(submission as unknown as pg.Submittable);
  });
}

type Callback = (error: unknown, answer?: Answer) => void;

/** The handlers that pg's client calls as the server answers, in the order of its messages. */
function submit({ name, text, values = [] }: PreparedQuery, callback: Callback) {
  const answer: Answer = { rows: [], count: 0 };
  let wire: Wire | undefined;
  let columns: readonly Column[] | undefined;
  let unreadable: unknown;
  const submission = {
    name,
    text,
    callback,
    submit(connection: Wire): Error | null {
      wire = connection;
      columns = answered.get(connection)?.get(name);
      return send(connection, { name, text, values }, columns === undefined);
    },
    handleRowDescription: ({ fields }: RowDescription): void => {
      columns = fields.map(({ name: column, dataTypeID }) => ({ name: column, parse: parserOf(dataTypeID) }));
    },
    handleDataRow: ({ fields }: { fields: readonly (string | null)[] }): void => {
      try {
        answer.rows.push(rowOf(columns ?? [], fields));
      } catch (error) {
        unreadable ??= error;
      }
    },
    handleCommandComplete: ({ text: tag }: { text: string }): void => {
      // `INSERT 0 5`, `SELECT 1`, `SET`
      answer.count = Number(/\d+$/.exec(tag)?.[0] ?? 0);
      if (wire !== undefined) remember(wire, name, columns ?? []);
    },
    handleReadyForQuery: (): void =>
      unreadable === undefined ? submission.callback(undefined, answer) : submission.callback(unreadable),
    handleError: (error: unknown): void => submission.callback(error),
    handleEmptyQuery: (): void => {},
    handlePortalSuspended: (): void => {},
    handleCopyInResponse: (): void => {},
    handleCopyData: (): void => {},
  };
  return submission;
}

function send(connection: Wire, { name, text, values = [] }: PreparedQuery, describe: boolean): Error | null {
  const before = connection.parsedStatements[name];
  if (before !== undefined && before !== text) return new Error(`two statements are named ${name}`);
  let written: readonly unknown[];
  try {
    written = values.map((value) => prepareValue(value));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  connection.stream.cork();
  if (before === undefined) connection.parse({ name, text });
  connection.bind({ statement: name, values: written });
  if (describe) connection.describe({ type: 'P', name: '' });
  connection.execute({});
  connection.sync();
  connection.stream.uncork();
  return null;
}

function remember(wire: Wire, name: string, columns: readonly Column[]): void {
  const known = answered.get(wire);
  if (known === undefined) answered.set(wire, new Map([[name, columns]]));
  else known.set(name, columns);
}

function parserOf(type: number): (text: string) => unknown {
  return columnTypes.getTypeParser(type, 'text') as (text: string) => unknown;
}

function rowOf(columns: readonly Column[], fields: readonly (string | null)[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    const { name, parse } = columns[i] as Column;
    const field = fields[i] ?? null;
    row[name] = field === null ? null : parse(field);
  }
  return row;
}
