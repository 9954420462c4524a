import type { Femtocell } from './femtocell.ts';

export interface ScheduledCalls {
  /** A session of the device is over: it calls again at the time that its ACS has set (ScheduleInform), if it has. */
  follow(cell: Femtocell): void;
  /** Resolves when none is to come any more, or all at once if nobody waits for them. */
  over(signal: AbortSignal | undefined): Promise<void>;
  /** Nobody calls any more; sessions under way are finished. */
  end(): Promise<void>;
}

/** What a timer can wait at most. */
const longestWait = 2 ** 31 - 1;
/** A device that is in another session looks again so much later. */
const patience = 50;

/** `until`: on the scale of Date.now(); what is due later is left. */
export function createScheduledCalls(call: (cell: Femtocell) => Promise<void>, until: number): ScheduledCalls {
  const timers = new Map<Femtocell, NodeJS.Timeout>();
  const underWay = new Set<Promise<void>>();
  let waiting: (() => void) | undefined;
  const settled = (): void => {
    if (timers.size === 0 && underWay.size === 0) waiting?.();
  };
  const nextOf = ({ state }: Femtocell): number => Math.min(...state.scheduled.map(({ due }) => due));
  const look = (cell: Femtocell, wait: number): void => {
    clearTimeout(timers.get(cell));
    const timer = setTimeout(() => {
      timers.delete(cell);
      if (nextOf(cell) > Date.now()) follow(cell);
      else if (cell.inSession) look(cell, patience);
      else begin(cell);
      settled();
    }, wait);
    timers.set(cell, timer);
  };
  function begin(cell: Femtocell): void {
    const session = call(cell).finally(() => {
      underWay.delete(session);
      follow(cell);
      settled();
    });
    underWay.add(session);
  }
  function follow(cell: Femtocell): void {
    const next = nextOf(cell);
    clearTimeout(timers.get(cell));
    timers.delete(cell);
    if (next < until) look(cell, Math.min(longestWait, Math.max(0, next - Date.now())));
  }
  const end = async (): Promise<void> => {
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
    await Promise.all(underWay);
    settled();
  };
  return {
    follow,
    over: (signal) =>
      new Promise((resolve) => {
        waiting = resolve;
        signal?.addEventListener('abort', () => resolve(), { once: true });
        if (signal?.aborted === true) resolve();
        settled();
      }),
    end,
  };
}
