import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest pause between two steps. */
const longest = 2000;

/** As long as a step took, nobody else had the database: it rests as long, so that sessions go on beside it. */
export function createPace(): () => Promise<void> {
  let from = performance.now();
  return async () => {
    await sleep(Math.min(longest, performance.now() - from));
    from = performance.now();
  };
}
