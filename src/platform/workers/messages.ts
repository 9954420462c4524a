/** One metric with its series, as `Registry.getMetricsAsJSON` gives it. */
export interface Figure {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly Series[];
}

export interface Series {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Of a histogram's parts: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

/** Of one process. */
export type Figures = readonly Figure[];

/** What the supervisor tells a worker. The channel is a socket pair of the two processes; nobody else hears it. */
export type ToWorker =
  /** First, and once: what it is to do. */
  | { readonly tell: 'start'; readonly worker: number; readonly workers: number; readonly order: unknown }
  | { readonly tell: 'secret'; readonly secret: unknown }
  | { readonly tell: 'reload' }
  /** Finish what is under way and end. */
  | { readonly tell: 'stop' }
  | { readonly tell: 'report'; readonly question: number }
  /** The answer to `page`; undefined: there is none. */
  | { readonly tell: 'page'; readonly question: number; readonly text: string | undefined };

/** What a worker tells its supervisor. */
export type FromWorker =
  /** It serves. */
  | { readonly tell: 'ready'; readonly what: unknown }
  /** It cannot, and ends. */
  | { readonly tell: 'failed'; readonly fault: unknown }
  /** `question` 0: unasked, the last words. */
  | { readonly tell: 'report'; readonly question: number; readonly figures: Figures }
  /** Somebody asks it for the metrics of the host. */
  | { readonly tell: 'page'; readonly question: number };
