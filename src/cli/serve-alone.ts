import type { Logger } from 'pino';
import { type RunningApp, startApp } from '../app.ts';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../platform/clock.ts';
import { createEventBus } from '../platform/events.ts';
import { createLifecycle, type Lifecycle } from '../platform/lifecycle.ts';
import { createMetrics } from '../platform/telemetry.ts';
import { openDatabase } from './database-access.ts';

export interface ServeAlone {
  readonly config: Config;
  readonly mode: 'development' | 'production';
  readonly logger: Logger;
  readonly migrate: boolean;
  readonly signal: Promise<NodeJS.Signals>;
  announce(app: RunningApp): void;
}

/** Everything in this process; answers when all of it has stopped. */
export async function serveAlone(options: ServeAlone): Promise<void> {
  const { logger } = options;
  const lifecycle = createLifecycle(logger);
  try {
    const app = await start(options, lifecycle);
    options.announce(app);
    const reload = (): void => void app.reload();
    process.on('SIGHUP', reload);
    logger.info({ signal: await options.signal }, 'stopping');
    process.off('SIGHUP', reload);
  } finally {
    await lifecycle.stop();
  }
}

async function start({ config, mode, logger, migrate }: ServeAlone, lifecycle: Lifecycle): Promise<RunningApp> {
  const metrics = createMetrics();
  const database = await openDatabase({ config, logger, metrics, migrate });
  lifecycle.started('database', () => database.close());
  const events = createEventBus({ logger, metrics });
  const app = await startApp({ config, mode, db: database.db, logger, metrics, events, clock: systemClock });
  lifecycle.started('doors', () => app.stop());
  return app;
}
