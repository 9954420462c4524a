import { Gauge, type GaugeConfiguration } from 'prom-client';

/**
 * How one figure is made of those of several processes of a host, which Prometheus sees as one target. sum: each has its
 * part of it. max, min: each sees the same thing, and the worst counts. first: the same everywhere.
 */
export type AcrossWorkers = 'sum' | 'max' | 'min' | 'first';

export interface HostGaugeConfiguration<T extends string> extends GaugeConfiguration<T> {
  /** Counters and histograms are summed; what is right for a gauge only its author knows. */
  readonly aggregator: AcrossWorkers;
}

/** The only way to make a gauge: nobody forgets to say what several of it are together. */
export function hostGauge<T extends string = never>(config: HostGaugeConfiguration<T>): Gauge<T> {
  return new Gauge(config);
}
