import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type RunningApp, startApp } from '../app.ts';
import { frozen } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../platform/clock.ts';
import { createEventBus } from '../platform/events.ts';
import { createLifecycle, type Lifecycle } from '../platform/lifecycle.ts';
import { createLogger, createMetrics } from '../platform/telemetry.ts';
import type { WorkerLink, WorkerStart } from '../platform/workers/worker-link.ts';
import type { TicketSecret } from '../southbound/ticket-keys.ts';
import { openDatabase } from './database-access.ts';
import { asFailure, type Failure } from './failure.ts';

/** What a worker of `hems serve` is to do. The database is there and migrated. */
export interface ServeOrder {
  /** Judged and complete; the database has a URL, and the ports are those that the first worker got. */
  readonly config: Config;
  readonly mode: 'development' | 'production';
  readonly ticketSecret: TicketSecret;
}

/** What it answers when it serves. */
export type Serving = Pick<RunningApp, 'doors' | 'management'>;

/** Why it cannot. */
export type ServeFault = Failure | { readonly internal: string };

/** Milliseconds that a worker whose supervisor is gone has left to finish what is under way. */
const orphanLife = 10_000;

/** Serves until it is told to stop, or its supervisor is gone. */
export async function runWorker(link: WorkerLink): Promise<void> {
  // Those of a terminal are for the supervisor; it says what they mean for us.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  process.once('SIGTERM', () => end());
  let app: RunningApp | undefined;
  const secrets: ((next: TicketSecret) => void)[] = [];
  link.onTold((told) => {
    switch (told.tell) {
      case 'reload':
        return void app?.reload();
      case 'secret':
        for (const take of secrets) take(told.secret as TicketSecret);
        return;
      case 'stop':
        return end();
      case 'gone':
        setTimeout(() => process.exit(1), orphanLife).unref();
        return end();
      default:
        told satisfies never;
    }
  });
  const started = await Promise.race([link.start, over.then(() => undefined)]);
  if (started === undefined) process.exit(0);
  const order = started.order as ServeOrder;
  const logger = createLogger(order.config.log.level).child({ worker: started.worker });
  const metrics = createMetrics();
  const lifecycle = createLifecycle(logger);
  try {
    app = await serve({ link, started, order, logger, metrics, lifecycle, onNext: (take) => void secrets.push(take) });
    await over;
    logger.info('stopping');
  } catch (error) {
    await link.failed(faultOf(error));
    process.exitCode = 1;
  }
  await lifecycle.stop();
  await link.farewell(metrics).catch(() => undefined);
  process.exit();
}

interface Parts {
  readonly link: WorkerLink;
  readonly started: WorkerStart;
  readonly order: ServeOrder;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly lifecycle: Lifecycle;
  readonly onNext: (take: (next: TicketSecret) => void) => void;
}

async function serve({ link, started, order, logger, metrics, lifecycle, onNext }: Parts): Promise<RunningApp> {
  const config = frozen(order.config);
  const { mode, ticketSecret } = order;
  const database = await openDatabase({ config, logger, metrics });
  lifecycle.started('database', () => database.close());
  const app = await startApp({
    ...{ config, mode, db: database.db, logger, metrics, clock: systemClock },
    events: createEventBus({ logger, metrics }),
    host: {
      ...{ worker: started.worker, workers: started.workers, page: link.page },
      ticketSecrets: { first: ticketSecret, onNext },
    },
  });
  lifecycle.started('doors', () => app.stop());
  link.reports(metrics);
  const { doors, management } = app;
  link.ready({ doors, management } satisfies Serving);
  return app;
}

function faultOf(error: unknown): ServeFault {
  return asFailure(error) ?? { internal: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
