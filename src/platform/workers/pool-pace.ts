/** How long the pool waits for its workers, and they for it. */
export interface Pace {
  /** Milliseconds that a worker has to tell its figures, before the page goes without it. */
  readonly answerWithin: number;
  /** Between two looks whether each answers. */
  readonly watchEvery: number;
  /** Looks without an answer after which a worker is ended. */
  readonly patience: number;
  /** First pause before a worker is started again; doubled each time up to `longestPause`, anew after `settled`. */
  readonly firstPause: number;
  readonly longestPause: number;
  readonly settled: number;
  /** That all have to finish what is under way, once told to stop. */
  readonly stopWithin: number;
}

/** `stopWithin` is below what a lifecycle gives each of its parts. */
export const usualPace: Pace = {
  answerWithin: 1000,
  watchEvery: 10_000,
  patience: 3,
  firstPause: 200,
  longestPause: 30_000,
  settled: 60_000,
  stopWithin: 18_000,
};
