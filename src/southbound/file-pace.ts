/** How slow the other side may be, and for how long. */
export interface PaceLimits {
  /** Bytes a second, on the average of `patience` milliseconds. */
  readonly leastRate: number;
  readonly patience: number;
  /** Milliseconds for the whole of it. */
  readonly transferTime: number;
}

/**
 * Looks at a transfer once in every span of patience: whoever has not moved by the least rate meanwhile, or goes on
 * beyond the time of the whole, is too slow. Answers the end of the watch.
 */
export function watchPace(limits: PaceLimits, moved: () => number, tooSlow: () => void): () => void {
  const { leastRate, patience, transferTime } = limits;
  const least = Math.max(1, (leastRate * patience) / 1000);
  let before = moved();
  const looks = setInterval(() => {
    const now = moved();
    if (now - before < least) tooSlow();
    before = now;
  }, patience);
  const end = setTimeout(tooSlow, transferTime);
  for (const timer of [looks, end]) timer.unref();
  return () => {
    clearInterval(looks);
    clearTimeout(end);
  };
}

/**
 * Lets so many go on in one turn of the event loop, first come first served: encrypting a block takes its time, and the
 * sessions of other devices wait for the turn to end.
 */
export function createTurns(most: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  let isDue = false;
  const turn = (): void => {
    isDue = false;
    for (const go of waiting.splice(0, most)) go();
    if (waiting.length > 0) due();
  };
  const due = (): void => {
    if (isDue) return;
    isDue = true;
    setImmediate(turn);
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      due();
    });
}

/** Calls it at most once in so many milliseconds, and not again while it is under way. */
export function occasionally(every: number, act: () => Promise<void>): () => void {
  let last = performance.now();
  let busy = false;
  return () => {
    const now = performance.now();
    if (busy || now - last < every) return;
    last = now;
    busy = true;
    void act().finally(() => {
      busy = false;
    });
  };
}
