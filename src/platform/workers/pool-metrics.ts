import { Counter, type Registry } from 'prom-client';
import { hostGauge } from '../host-gauge.ts';

/** Why a worker was started again: it ended by itself, could not start, or was ended because it answered nothing. */
export type RestartCause = (typeof causes)[number];
const causes = ['ended', 'failed', 'silent'] as const;

export interface PoolMetrics {
  restarted(cause: RestartCause): void;
}

/** Of a supervisor, or of one process that serves alone: 1 and 1. */
export function createPoolMetrics(registry: Registry, wanted: number, serving: () => number): PoolMetrics {
  const registers = [registry];
  hostGauge({
    name: 'hems_platform_workers',
    help: 'Worker processes of this host: wanted, and serving now',
    labelNames: ['state'] as const,
    aggregator: 'sum',
    registers,
    collect() {
      this.set({ state: 'wanted' }, wanted);
      this.set({ state: 'serving' }, serving());
    },
  });
  const restarts = new Counter({
    name: 'hems_platform_worker_restarts_total',
    help: 'Workers started again because they ended, could not start, or were ended since they answered nothing',
    labelNames: ['cause'] as const,
    registers,
  });
  for (const cause of causes) restarts.inc({ cause }, 0);
  return { restarted: (cause) => restarts.inc({ cause }) };
}
