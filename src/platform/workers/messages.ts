import type { Figures } from './figures.ts';

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
