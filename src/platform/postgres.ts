import pg from 'pg';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { DatabaseError, explainDatabaseError } from './database-error.ts';
import { createLending, isStalePlan, type Lending } from './postgres-lending.ts';
import { createListening, type LinkHandler } from './postgres-listening.ts';
import { runPrepared } from './postgres-statement.ts';
import { columnTypes } from './postgres-types.ts';
import { inSpan } from './tracing.ts';
import { tallyHistogram } from './tally.ts';
import { hostGauge } from './host-gauge.ts';

export interface Query {
  /** Names a prepared statement: parsed and planned once a connection. One name, one text. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

export interface Rows<Row> {
  readonly rows: Row[];
  /** Rows answered or, for a statement that answers none, changed. */
  readonly count: number;
}

export interface Queryable {
  /**
   * One round trip. Rejects with a DatabaseError when the database cannot be reached, else with pg's own error, whose
   * `code` is the SQLSTATE. `int8` arrives as number, `timestamptz` as Date, `date` and `numeric` as text.
   */
  query<Row = Record<string, unknown>>(query: Query): Promise<Rows<Row>>;
}

export interface Database extends Queryable {
  /** BEGIN, fn, COMMIT on one connection; ROLLBACK and the error of `fn` when it throws. */
  transaction<T>(fn: (tx: Queryable) => Promise<T>): Promise<T>;
  /** A connection of its own, outside the pool and without time limits, closed afterwards (session locks, migrations). */
  alone<T>(fn: (session: Queryable) => Promise<T>): Promise<T>;
  /**
   * Notifications on `channel`, in order. While the connection is down none arrive, and those sent meanwhile are lost:
   * `onLink` is told `down` and, once listening again, `up`. Resolves when the server listens; answers the end.
   */
  listen(channel: string, handler: (payload: string) => void, onLink?: LinkHandler): Promise<() => Promise<void>>;
  /** Payload of at most 7999 bytes. */
  notify(channel: string, payload: string): Promise<void>;
  /** Lets running statements end, then closes every connection. */
  close(): Promise<void>;
  readonly url: string;
  readonly pool: pg.Pool;
}

export interface PoolConfig {
  readonly url: string;
  /** Connections at most (default 10). */
  readonly poolSize?: number;
  /** Milliseconds that one statement may take on the server (default 15 000). */
  readonly statementTimeout?: number;
  /** Milliseconds to wait for a connection, new or from the pool (default 5 000). */
  readonly connectTimeout?: number;
  /** Appears in pg_stat_activity. */
  readonly applicationName?: string;
  /** Every connection works as this role, of which the user of the URL must be a member. */
  readonly role?: string;
  readonly logger?: Logger;
  readonly metrics?: Registry;
}

/** Settings of every connection that hems makes. */
export function connectionSettings(config: PoolConfig): pg.ClientConfig {
  return {
    connectionString: config.url,
    application_name: config.applicationName ?? 'hems',
    connectionTimeoutMillis: config.connectTimeout ?? 5000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: columnTypes,
    ...(config.role !== undefined && { options: `-c role=${config.role}` }),
  };
}

/** Opens no connection yet: a database that cannot be reached shows at the first query. */
export function openPool(config: PoolConfig): Database {
  const statementTimeout = config.statementTimeout ?? 15_000;
  const settings = connectionSettings(config);
  const pool = new pg.Pool({
    ...settings,
    max: config.poolSize ?? 10,
    idleTimeoutMillis: 60_000,
    statement_timeout: statementTimeout,
    // The server's own limit comes first; this one is for a server that no longer answers at all.
    query_timeout: statementTimeout + 5000,
    idle_in_transaction_session_timeout: 60_000,
  });
  pool.on('error', (error) => {
    // The server may end the last connections itself, where it is stopped right behind the pool.
    if (!pool.ending) config.logger?.warn({ err: error }, 'an idle database connection was lost');
  });
  const lending = createLending(pool);
  const { lend } = lending;
  const explain = (error: unknown): unknown => explainDatabaseError(error, config.url);
  const observed = observer(pool, lending, config.metrics);
  const run = <Row>(query: Query): Promise<Rows<Row>> =>
    observed(query.name, () =>
      retryOnce(() => lend((client) => send<Row>(client, query))).catch((error) => {
        throw explain(error);
      }),
    );
  const listening = createListening({ settings, explain, ...(config.logger && { logger: config.logger }) });
  return {
    url: config.url,
    pool,
    query: run,
    transaction: (fn) =>
      lend((client) => transact(client, fn)).catch((error) => {
        throw explain(error);
      }),
    alone: (fn) =>
      apart(settings, fn).catch((error) => {
        throw explain(error);
      }),
    listen: listening.listen,
    notify: async (channel, payload) => {
      await run({ name: 'platform_notify', text: 'select pg_notify($1, $2)', values: [channel, payload] });
    },
    close: once(async () => {
      await listening.close();
      lending.close();
      await pool.end();
    }),
  };
}

function once(fn: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= fn();
    return running;
  };
}

async function apart<T>(settings: pg.ClientConfig, fn: (session: Queryable) => Promise<T>): Promise<T> {
  const client = new pg.Client(settings);
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await fn({ query: (query) => send(client, query) });
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function send<Row>(client: pg.ClientBase, query: Query): Promise<Rows<Row>> {
  const { name, text, values } = query;
  if (name !== undefined) return (await runPrepared(client, { name, text, ...(values && { values }) })) as Rows<Row>;
  // pg reads these keys and leaves the object as it is.
  const result = await client.query(query as pg.QueryConfig);
  return { rows: result.rows as Row[], count: result.rowCount ?? 0 };
}

async function retryOnce<T>(fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    if (!isStalePlan(error)) throw error;
    return await fn();
  }
}

async function transact<T>(client: pg.PoolClient, fn: (tx: Queryable) => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await fn({ query: (query) => send(client, query) });
    await client.query('commit');
    return result;
  } catch (error) {
    // A transaction that a lost connection took with it needs no rollback, and the first error is the telling one.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

type Observed = <T>(name: string | undefined, work: () => Promise<T>) => Promise<T>;

/** Measures each statement, and counts those that nobody answered. */
function observer(pool: pg.Pool, { atHand }: Lending, metrics: Registry | undefined): Observed {
  const traced: Observed = (name = 'unnamed', work) =>
    inSpan(`hems.db ${name}`, { 'db.system.name': 'postgresql', 'db.query.summary': name }, work);
  if (metrics === undefined) return traced;
  const registers = [metrics];
  const seconds = tallyHistogram({
    name: 'hems_platform_query_seconds',
    help: 'Time from asking for a connection to the answer of one statement',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers,
  }).series({});
  hostGauge({
    name: 'hems_platform_database_connections',
    help: 'Connections of the pool',
    aggregator: 'sum',
    labelNames: ['state'] as const,
    registers,
    collect() {
      this.set({ state: 'idle' }, pool.idleCount + atHand());
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount - atHand());
      this.set({ state: 'waited_for' }, pool.waitingCount);
    },
  });
  const failures = new Counter({
    name: 'hems_platform_database_failures_total',
    help: 'Statements that failed because the database could not be reached',
    registers,
  });
  return async (name, work) => {
    const started = performance.now();
    try {
      return await traced(name, work);
    } catch (error) {
      if (error instanceof DatabaseError) failures.inc();
      throw error;
    } finally {
      seconds((performance.now() - started) / 1000);
    }
  };
}
