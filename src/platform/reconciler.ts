import type { Logger } from 'pino';

/** One step towards what should be: run regularly, never twice at once, and sooner when something happened. */
export interface Reconciler {
  /** Something happened: a step soon, or once more after the one under way. */
  kick(): void;
  /** No further steps; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

export interface ReconcilerOptions {
  readonly name: string;
  /** Milliseconds between the end of a step and the next. */
  readonly every: number;
  /** A step that fails is told and tried again after the usual pause. */
  readonly step: () => Promise<unknown>;
  readonly logger: Logger;
}

export function startReconciler({ name, every, step, logger }: ReconcilerOptions): Reconciler {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  async function run(): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!stopped) logger.error({ err: error, reconciler: name }, 'a reconciling step failed');
    }
  }

  function schedule(milliseconds: number): void {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(start, milliseconds);
    timer.unref();
  }

  function start(): void {
    again = false;
    running = run().finally(() => {
      running = undefined;
      schedule(again ? 0 : every);
    });
  }

  schedule(every);
  return {
    kick: () => {
      if (running === undefined) schedule(0);
      else again = true;
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
