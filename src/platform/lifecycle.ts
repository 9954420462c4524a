import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

export interface Lifecycle {
  /** Registers how to stop what has just been started; when everything has been stopped already, it is at once. */
  started(name: string, stop: () => void | Promise<void>): void;
  /**
   * Stops everything in the reverse order of its start, each within its time; a part that fails or hangs does not keep
   * the others from being stopped. Further calls wait for the first.
   */
  stop(): Promise<void>;
}

/** Long enough for sessions in flight and for Postgres to write, shorter than what a container is given before kill. */
const patience = 20_000;

/** `within`: milliseconds that each part is given. */
export function createLifecycle(logger?: Logger, within = patience): Lifecycle {
  const parts: { name: string; stop: () => void | Promise<void> }[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      try {
        const late = Symbol(part.name);
        const limit = new AbortController();
        const limited = sleep(within, late, { signal: limit.signal, ref: true }).catch(() => undefined);
        const outcome = await Promise.race([part.stop(), limited]);
        limit.abort();
        if (outcome === late) logger?.error({ part: part.name }, 'did not stop in time');
      } catch (error) {
        logger?.error({ err: error, part: part.name }, 'did not stop cleanly');
      }
    }
  }

  return {
    started: (name, stop) => {
      parts.push({ name, stop });
      // While the others are being stopped it only waits its turn.
      if (stopping !== undefined) stopping = stopping.then(stopAll);
    },
    stop: () => {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

/**
 * Resolves with the first of the signals that arrives; the second ends the process at once, for the impatient.
 */
export function untilSignal(signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM']): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    const handler = (signal: NodeJS.Signals): void => {
      // 128 + number of the signal, as shells report it.
      if (seen) process.exit(signal === 'SIGINT' ? 130 : 143);
      seen = true;
      resolve(signal);
    };
    for (const signal of signals) process.on(signal, handler);
  });
}
