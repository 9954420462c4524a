import { AggregatorRegistry, type MetricObject, type Registry } from 'prom-client';
import type { Figure, Figures, Series } from './messages.ts';

/** The figures of all processes of a host as those of one target. */
export interface HostMetrics {
  /** `life`: of one process; whoever is started in its place has another. */
  told(life: number, figures: Figures): void;
  /** It is gone: what it counted stays. */
  ended(life: number): void;
  /**
   * Prometheus text. Of processes that have not told anything now only the counts are in it, as they told them last: what
   * they hold at this moment nobody knows.
   */
  page(now: ReadonlySet<number>): Promise<string>;
}

const isCount = ({ type }: Figure): boolean => type === 'counter' || type === 'histogram';

/** `own`: of the supervisor itself. */
export function createHostMetrics(own: Registry): HostMetrics {
  const latest = new Map<number, Figures>();
  const shown = new Map<string, number>();
  let gone: Figures = [];
  return {
    told: (life, figures) => {
      latest.set(life, figures);
    },
    ended: (life) => {
      const last = latest.get(life);
      latest.delete(life);
      if (last !== undefined) gone = figuresOf(merged([gone, last.filter(isCount)]));
    },
    page: async (now) => {
      const living = [...latest].map(([life, figures]) => (now.has(life) ? figures : figures.filter(isCount)));
      const ours = (await own.getMetricsAsJSON()) as unknown as Figures;
      const registry = merged([...living, ours, gone]);
      for (const figure of figuresOf(registry)) if (isCount(figure)) neverBackwards(shown, figure);
      return registry.metrics();
    },
  };
}

function merged(parts: readonly Figures[]): Registry {
  // Its declaration says less than it takes and gives.
  return AggregatorRegistry.aggregate(parts as unknown as MetricObject[]) as Registry;
}

/** What has been merged is plain values. */
function figuresOf(registry: Registry): Figures {
  return (registry.getMetricsAsArray() as unknown as Figures).map(({ name, help, type, aggregator, values }) => {
    return { name, help, type, aggregator, values };
  });
}

/**
 * Fractions that are added up in another order give a sum that differs in its last digit. Where it were the smaller one,
 * Prometheus would take it for a start from 0, and the whole count for an increase.
 */
function neverBackwards(shown: Map<string, number>, { name, values }: Figure): void {
  for (const series of values as (Series & { value: number })[]) {
    const key = `${series.metricName ?? name} ${JSON.stringify(series.labels)}`;
    series.value = Math.max(series.value, shown.get(key) ?? 0);
    shown.set(key, series.value);
  }
}
