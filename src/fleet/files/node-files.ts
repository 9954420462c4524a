import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../platform/clock.ts';
import type { EventBus } from '../../platform/events.ts';
import type { Database } from '../../platform/postgres.ts';
import { startReconciler } from '../../platform/reconciler.ts';
import type { Suspect } from '../suspicions.ts';
import { createContentCache } from './content-cache.ts';
import { createContentStore } from './content-stores.ts';
import { createFileDoor, type FileDoor } from './file-door.ts';
import { sweepFiles } from './file-sweeping.ts';
import { countTransfers, createTransferMetrics } from './transfer-metrics.ts';
import { createReceiving } from './upload-receiving.ts';

export interface NodeFilesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventBus;
  readonly metrics: Registry;
  readonly config: Pick<Config, 'files' | 'dataDir'>;
  readonly suspect?: Suspect | undefined;
}

export interface NodeFiles {
  readonly files: FileDoor;
  /** Counts downloads that turned out to be running at their device. */
  applied(transfers: number): void;
  stop(): Promise<void>;
}

const sweepEvery = 60_000;

/** The files of one node: its cache, its way to the store, and the sweeping; whoever asked stops it. */
export async function createNodeFiles(deps: NodeFilesDeps): Promise<NodeFiles> {
  const { db, clock, logger, events, config } = deps;
  const { cacheDirectory, cacheBytes, slots, uploadBytes, deviceBytes, totalBytes } = config.files;
  const metrics = createTransferMetrics(deps.metrics);
  const store = createContentStore(deps);
  const directory = cacheDirectory ?? join(config.dataDir, 'file-cache');
  const cache = await createContentCache({
    ...{ directory, most: cacheBytes, store, clock, logger },
    count: metrics.cache,
    size: metrics.cacheBytes,
  });
  const receiving = createReceiving({ db, clock, store, slots, uploadBytes, deviceBytes, totalBytes });
  const { suspect } = deps;
  const files = createFileDoor({
    ...{ db, clock, logger, store, cache, receiving, metrics, slots, uploadBytes, suspect },
    limits: config.files,
  });
  const sweeping = startReconciler({
    ...{ name: 'files', every: sweepEvery, logger },
    step: () => sweepFiles({ db, clock, config, metrics }),
  });
  const stopCounting = countTransfers(events, metrics);
  return {
    files,
    applied: (transfers) => metrics.outcome('download', 'applied', transfers),
    stop: async () => {
      stopCounting();
      await sweeping.stop();
    },
  };
}
