import type { Clock } from '../clock.ts';

/** Remembers what just failed, so that a dead server is not asked by every session; bounded, oldest forgotten first. */
export interface FailureMemory {
  /** Until when `key` is not to be asked; undefined: it may be. */
  blockedUntil(key: string): Date | undefined;
  failed(key: string): void;
  succeeded(key: string): void;
}

export interface FailureMemoryOptions {
  readonly clock: Clock;
  /** Milliseconds after the first failure; each further one doubles them. */
  readonly first: number;
  readonly longest: number;
  readonly most: number;
}

interface Failure {
  readonly count: number;
  readonly until: number;
}

export function createFailureMemory({ clock, first, longest, most }: FailureMemoryOptions): FailureMemory {
  const failures = new Map<string, Failure>();
  return {
    blockedUntil: (key) => {
      const until = failures.get(key)?.until;
      return until !== undefined && until > clock.now().getTime() ? new Date(until) : undefined;
    },
    failed: (key) => {
      const count = (failures.get(key)?.count ?? 0) + 1;
      // Set anew, so that the order of the map is the order of the last failures.
      failures.delete(key);
      failures.set(key, {
        count,
        until: clock.now().getTime() + Math.min(longest, first * 2 ** Math.min(count - 1, 20)),
      });
      if (failures.size <= most) return;
      const [oldest] = failures.keys();
      if (oldest !== undefined) failures.delete(oldest);
    },
    succeeded: (key) => {
      failures.delete(key);
    },
  };
}
