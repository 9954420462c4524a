import type { Clock } from '../platform/clock.ts';

/**
 * Leaves a responder alone that keeps failing: after `threshold` failures in a row for `pause`, doubled at each further
 * one up to `longest` (milliseconds); then one request at a time tries whether it is back.
 */
export interface OcspBreaker {
  /** False: do not ask now. True claims the trial where one is due; the next one is due a pause later. */
  mayAsk(responder: string): boolean;
  succeeded(responder: string): void;
  failed(responder: string): void;
  /** How many responders are being left alone. */
  open(): number;
}

interface Circuit {
  failures: number;
  /** Milliseconds; 0 while it is closed. */
  until: number;
}

export interface OcspBreakerOptions {
  readonly threshold: number;
  readonly pause: number;
  readonly longest: number;
}

/** Certificates name their responders, so their number is a stranger's to choose. */
const mostCircuits = 1000;

export function createOcspBreaker(clock: Clock, { threshold, pause, longest }: OcspBreakerOptions): OcspBreaker {
  const circuits = new Map<string, Circuit>();
  return {
    mayAsk: (responder) => {
      const circuit = circuits.get(responder);
      if (circuit === undefined || circuit.until === 0) return true;
      const now = clock.now().getTime();
      if (now < circuit.until) return false;
      circuit.until = now + pause;
      return true;
    },
    succeeded: (responder) => {
      circuits.delete(responder);
    },
    failed: (responder) => {
      const failures = (circuits.get(responder)?.failures ?? 0) + 1;
      const over = failures - threshold;
      const until = over < 0 ? 0 : clock.now().getTime() + Math.min(longest, pause * 2 ** Math.min(over, 20));
      circuits.delete(responder);
      circuits.set(responder, { failures, until });
      const [oldest] = circuits.keys();
      if (circuits.size > mostCircuits && oldest !== undefined) circuits.delete(oldest);
    },
    open: () => [...circuits.values()].filter(({ until }) => until > clock.now().getTime()).length,
  };
}
