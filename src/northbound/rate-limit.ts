import type { Clock } from '../platform/clock.ts';

/** What one window of a minute has left for one caller. */
export interface Allowance {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the window begins anew; at least 1. */
  readonly resetSeconds: number;
}

export interface RateLimit {
  /** Counts one request. */
  take(caller: string): Allowance;
  /** Looks without counting. */
  look(caller: string): Allowance;
}

const windowMs = 60_000;
/** Callers remembered at once; beyond it the oldest window is forgotten, which only ever lets one in. */
const mostCallers = 10_000;

/** Fixed windows of a minute, in memory: each node counts for itself. */
export function createRateLimit(clock: Clock, limit: number): RateLimit {
  const windows = new Map<string, { from: number; count: number }>();
  const ask = (caller: string, cost: number): Allowance => {
    const now = clock.now().getTime();
    const open = windows.get(caller);
    const window = open !== undefined && Math.abs(now - open.from) < windowMs ? open : { from: now, count: 0 };
    window.count += cost;
    if (window !== open && cost > 0) {
      windows.delete(caller);
      windows.set(caller, window);
      const [oldest] = windows.keys();
      if (windows.size > mostCallers && oldest !== undefined) windows.delete(oldest);
    }
    return {
      allowed: cost > 0 ? window.count <= limit : window.count < limit,
      limit,
      remaining: Math.max(0, limit - window.count),
      resetSeconds: Math.max(1, Math.ceil((window.from + windowMs - now) / 1000)),
    };
  };
  return { take: (caller) => ask(caller, 1), look: (caller) => ask(caller, 0) };
}

/** As draft-ietf-httpapi-ratelimit-headers has them. */
export function rateLimitHeaders({ limit, remaining, resetSeconds }: Allowance): Readonly<Record<string, string>> {
  return {
    'RateLimit-Policy': `"minute";q=${limit};w=${windowMs / 1000}`,
    RateLimit: `"minute";r=${remaining};t=${resetSeconds}`,
  };
}
