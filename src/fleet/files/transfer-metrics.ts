import { Counter, type Registry } from 'prom-client';
import type { EventBus } from '../../platform/events.ts';
import { type CacheOutcome, cacheOutcomes } from './content-cache.ts';
import { hostGauge } from '../../platform/host-gauge.ts';

const outcomes = {
  download: ['fetched', 'completed', 'applied', 'failed', 'unknown'],
  upload: ['received', 'completed', 'failed', 'unknown'],
} as const;

export type TransferOutcome = (typeof outcomes)['download' | 'upload'][number];

export interface TransferMetrics {
  outcome(direction: 'download' | 'upload', outcome: TransferOutcome, by?: number): void;
  cache(outcome: CacheOutcome): void;
  cacheBytes(bytes: number): void;
  swept(contents: number): void;
}

const known = new WeakMap<Registry, ReturnType<typeof familiesOf>>();

function familiesOf(registry: Registry) {
  const registers = [registry];
  return {
    transfers: new Counter({
      name: 'hems_fleet_transfer_outcomes_total',
      help: 'Transfers that came to this: gone out or come in whole, told by the device, or seen in its version',
      labelNames: ['direction', 'outcome'] as const,
      registers,
    }),
    cache: new Counter({
      name: 'hems_fleet_file_cache_total',
      help: 'Files asked of the disk cache of this node',
      labelNames: ['outcome'] as const,
      registers,
    }),
    bytes: hostGauge({
      name: 'hems_fleet_file_cache_bytes',
      help: 'Bytes in the disk cache of this node',
      aggregator: 'sum',
      registers,
    }),
    swept: new Counter({
      name: 'hems_fleet_file_contents_swept_total',
      help: 'Contents removed that nobody named: writes that broke off, files that were removed',
      registers,
    }),
  };
}

export function createTransferMetrics(registry: Registry): TransferMetrics {
  const families = known.get(registry) ?? familiesOf(registry);
  known.set(registry, families);
  for (const [direction, list] of Object.entries(outcomes))
    for (const outcome of list) families.transfers.inc({ direction, outcome }, 0);
  for (const outcome of cacheOutcomes) families.cache.inc({ outcome }, 0);
  return {
    outcome: (direction, outcome, by = 1) => families.transfers.inc({ direction, outcome }, by),
    cache: (outcome) => families.cache.inc({ outcome }),
    cacheBytes: (bytes) => families.bytes.set(bytes),
    swept: (contents) => families.swept.inc(contents),
  };
}

const told = { done: 'completed', failed: 'failed', 'unknown-outcome': 'unknown' } as const;

/** What devices tell of their transfers; answers the end of it. */
export function countTransfers(events: EventBus, metrics: TransferMetrics): () => void {
  return events.subscribe((event) => {
    if (event.kind !== 'task' || event.state === 'in-progress') return;
    const direction = event.task === 'upload' ? 'upload' : /download$/.test(event.task) ? 'download' : undefined;
    if (direction !== undefined) metrics.outcome(direction, told[event.state]);
  });
}
