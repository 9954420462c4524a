import { createServer } from 'node:net';
import { extname, join } from 'node:path';
import type { Logger } from 'pino';
import { bindFault } from '../config/bind-fault.ts';
import type { Config } from '../config/schema.ts';
import { workerShare } from '../config/worker-share.ts';
import { createLifecycle } from '../platform/lifecycle.ts';
import { createMetrics } from '../platform/telemetry.ts';
import { createWorkerPool, type WorkerPool } from '../platform/workers/worker-pool.ts';
import { WorkerFailed } from '../platform/workers/worker-process.ts';
import { createTicketSecrets } from '../southbound/ticket-keys.ts';
import { type OpenDatabase, openDatabase } from './database-access.ts';
import { isFailure } from './failure.ts';
import type { ServeFault, ServeOrder, Serving } from './serve-worker.ts';

export interface SupervisedServe {
  readonly config: Config;
  readonly mode: 'development' | 'production';
  readonly logger: Logger;
  readonly migrate: boolean;
  readonly workers: number;
  /** Settles when it is to stop, in the middle of the start as well. */
  readonly signal: Promise<NodeJS.Signals>;
  /** All workers serve. */
  announce(serving: Serving): void;
}

const workerMain = join(import.meta.dirname, `worker-main${extname(import.meta.filename)}`);

/**
 * Several processes behind the same doors; answers when all have stopped. The database, its schema and the secret of the
 * ticket keys are this process's business, everything else theirs. Throws what kept the first of them from serving.
 */
export async function serveWithWorkers(options: SupervisedServe): Promise<void> {
  const { logger, workers, signal } = options;
  const lifecycle = createLifecycle(logger);
  try {
    const started = start(options, lifecycle);
    const first = await Promise.race([started, signal]);
    if (typeof first === 'string') {
      // What is being started is stopped instead of waited for; how its start ends is of no interest then.
      started.catch(() => undefined);
      logger.info({ signal: first }, 'stopping');
      return;
    }
    const { pool, serving } = first;
    options.announce(serving);
    const reload = (): void => pool.tell({ tell: 'reload' });
    process.on('SIGHUP', reload);
    logger.info({ workers, ...serving }, 'all workers serve');
    logger.info({ signal: await signal }, 'stopping');
    process.off('SIGHUP', reload);
  } finally {
    await lifecycle.stop();
  }
}

async function start(options: SupervisedServe, lifecycle: ReturnType<typeof createLifecycle>) {
  const { config, logger, workers } = options;
  await requireFreePorts(config);
  const database = await openDatabase(options);
  lifecycle.started('database', () => database.close());
  let share = shareOf(options, database);
  const secrets = createTicketSecrets(config.maxResumptionAge, (secret) => pool.tell({ tell: 'secret', secret }));
  lifecycle.started('ticket secrets', () => secrets.stop());
  const pool: WorkerPool = createWorkerPool({
    ...{ module: workerMain, label: config.dataDir, workers, logger, metrics: createMetrics() },
    order: (): ServeOrder => ({ config: share, mode: options.mode, ticketSecret: secrets.current() }),
  });
  lifecycle.started('workers', () => pool.stop());
  let serving: Serving | undefined;
  await pool
    .start((what) => {
      serving = what as Serving;
      share = onPortsOf(share, serving);
    })
    .catch(rethrow);
  if (serving === undefined) throw new Error('the first worker serves and does not say where');
  return { pool, serving };
}

function shareOf({ config, workers }: SupervisedServe, { db, role }: OpenDatabase): Config {
  const share = workerShare(config, workers);
  return { ...share, database: { ...share.database, url: db.url, ...(role !== undefined && { role }) } };
}

/** Where the configuration says "any free port", all have the one that the first of them got. */
function onPortsOf(config: Config, { doors, management }: Serving): Config {
  return {
    ...config,
    listeners: config.listeners.map((listener, index) => ({ ...listener, port: doors[index]?.port ?? listener.port })),
    management: { ...config.management, port: Number(new URL(management).port) || config.management.port },
  };
}

/**
 * A port that is shared can be had by anyone of this user who shares it too, another hems included: the two would take
 * turns at the same devices. So each must be free for one alone first.
 */
async function requireFreePorts({ listeners, management }: Config): Promise<void> {
  const places = [
    ...listeners.map(({ address, port }, index) => ({ key: `listeners[${index}]`, address, port })),
    { key: 'management', address: management.address, port: management.port },
  ];
  for (const { key, ...place } of places)
    if (place.port !== 0)
      await tryBind(place).catch((error: unknown) => {
        throw bindFault(key, place, error);
      });
}

function tryBind({ address, port }: { address: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve()));
  });
}

function rethrow(error: unknown): never {
  if (!(error instanceof WorkerFailed)) throw error;
  const fault = error.fault as ServeFault;
  if (isFailure(fault)) throw fault;
  const internal = new Error('a worker broke off');
  internal.stack = (fault as Extract<ServeFault, { internal: string }>).internal;
  throw internal;
}
