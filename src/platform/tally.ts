import {
  Counter,
  type CounterConfiguration,
  Histogram,
  type HistogramConfiguration,
  type LabelValues,
} from 'prom-client';

/**
 * Counting on the path of every session: there it is an addition or a push, and prom-client gets the sum when somebody
 * asks for the metrics (or, for observations, when so many have gathered).
 */
export interface TalliedCounter<T extends string> {
  /** One series; shown at 0 from now on. */
  series(labels: LabelValues<T>): (by?: number) => void;
}

export function tallyCounter<T extends string>(config: CounterConfiguration<T>): TalliedCounter<T> {
  const pending: { readonly flush: () => void }[] = [];
  const counter = new Counter({
    ...config,
    collect: () => {
      for (const { flush } of pending) flush();
    },
  });
  return {
    series: (labels) => {
      const child = counter.labels(labels);
      child.inc(0);
      let sum = 0;
      const flush = (): void => {
        if (sum > 0) child.inc(sum);
        sum = 0;
      };
      pending.push({ flush });
      return (by = 1) => {
        sum += by;
      };
    },
  };
}

export interface TalliedHistogram<T extends string> {
  series(labels: LabelValues<T>): (value: number) => void;
}

/** Observations kept of one series until they are handed on together. */
const mostKept = 256;

export function tallyHistogram<T extends string>(config: HistogramConfiguration<T>): TalliedHistogram<T> {
  const pending: { readonly flush: () => void }[] = [];
  const histogram = new Histogram({
    ...config,
    collect: () => {
      for (const { flush } of pending) flush();
    },
  });
  return {
    series: (labels) => {
      const child = histogram.labels(labels);
      const values: number[] = [];
      const flush = (): void => {
        for (const value of values) child.observe(value);
        values.length = 0;
      };
      pending.push({ flush });
      return (value) => {
        if (values.push(value) >= mostKept) flush();
      };
    },
  };
}
