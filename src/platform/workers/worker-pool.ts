import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { createHostMetrics, type HostMetrics } from './host-metrics.ts';
import type { ToWorker } from './messages.ts';
import { createPoolMetrics, type PoolMetrics } from './pool-metrics.ts';
import { type Pace, usualPace } from './pool-pace.ts';
import { startWorker, type WorkerEnd, WorkerFailed, type WorkerProcess } from './worker-process.ts';

export interface WorkerPoolDeps {
  /** Module that a worker runs. */
  readonly module: string;
  /** Shown by ps behind the worker's number. */
  readonly label: string;
  readonly workers: number;
  /** What a worker that is started now is told to do. */
  readonly order: () => unknown;
  readonly logger: Logger;
  /** Of the supervisor; its own figures are part of the page. */
  readonly metrics: Registry;
  readonly pace?: Partial<Pace>;
}

export interface WorkerPool {
  /**
   * The first worker alone, then the others at once: `first` hears what that one says once it serves, e.g. which ports it
   * got. Rejects with WorkerFailed where one cannot serve, or with an Error where one ends without a word; the others are
   * ended then.
   */
  start(first: (what: unknown) => void): Promise<void>;
  /** Tells all that run, or one of them. */
  tell(message: ToWorker, worker?: number): void;
  /** Process ids by worker, of those that serve. */
  pids(): ReadonlyMap<number, number>;
  /** What each of them shows when it is asked: the figures of all. */
  page(): Promise<string>;
  /** Lets all finish, and ends what has not finished in time. */
  stop(): Promise<void>;
}

/** How many processes this one may well use: the cores it was given, by affinity or cgroup. */
export const usableCores = (): number => availableParallelism();

interface Pool extends WorkerPoolDeps {
  readonly pace: Pace;
  readonly figures: HostMetrics;
  /** By number, while they serve. */
  readonly serving: Map<number, WorkerProcess>;
  readonly all: Set<WorkerProcess>;
  readonly stopped: AbortController;
  readonly counted: PoolMetrics;
  /** Lives that were ended for their silence. */
  readonly silenced: Set<number>;
  page: Promise<string> | undefined;
}

/** Keeps so many worker processes running; the figures of all are one page for whichever of them is asked. */
export function createWorkerPool(deps: WorkerPoolDeps): WorkerPool {
  const serving = new Map<number, WorkerProcess>();
  const pool: Pool = {
    ...deps,
    pace: { ...usualPace, ...deps.pace },
    figures: createHostMetrics(deps.metrics),
    serving,
    all: new Set(),
    stopped: new AbortController(),
    counted: createPoolMetrics(deps.metrics, deps.workers, () => serving.size),
    silenced: new Set(),
    page: undefined,
  };
  const kept: Promise<void>[] = [];
  return {
    start: async (first) => {
      try {
        const one = await launch(pool, 1);
        first(await one.ready);
        kept.push(keep(pool, 1, one));
        const rest = Array.from({ length: pool.workers - 1 }, (_, i) => i + 2);
        await Promise.all(rest.map(async (n) => kept.push(keep(pool, n, await launch(pool, n)))));
        kept.push(watch(pool));
      } catch (error) {
        pool.stopped.abort();
        for (const worker of pool.all) worker.kill();
        throw error;
      }
    },
    tell: (message, only) => {
      if (only === undefined) for (const worker of pool.all) worker.tell(message);
      else serving.get(only)?.tell(message);
    },
    pids: () => new Map([...serving].map(([worker, { pid }]) => [worker, pid])),
    page: () => page(pool),
    stop: async () => {
      pool.stopped.abort();
      await stopAll(pool);
      await Promise.all(kept);
    },
  };
}

/** Answers once it serves. */
async function launch(pool: Pool, worker: number): Promise<WorkerProcess> {
  const process = startWorker(
    { module: pool.module, args: [String(worker), pool.label], worker, workers: pool.workers, order: pool.order() },
    {
      pageWanted: (asker, question) => void answerPage(pool, asker, question),
      lastFigures: ({ life }, figures) => pool.figures.told(life, figures),
    },
  );
  pool.all.add(process);
  void process.ended.then(() => {
    pool.all.delete(process);
    if (pool.serving.get(worker) === process) pool.serving.delete(worker);
    pool.figures.ended(process.life);
  });
  await Promise.race([process.ready, process.ended.then((end) => Promise.reject(new Error(endText(worker, end))))]);
  pool.serving.set(worker, process);
  return process;
}

function endText(worker: number, { code, signal }: WorkerEnd): string {
  return `worker ${worker} ended ${signal === null ? `with exit code ${code}` : `by ${signal}`} before it served`;
}

/** Starts it again whenever it ends, until the pool is stopped. */
async function keep(pool: Pool, worker: number, first: WorkerProcess): Promise<void> {
  const { logger, pace, stopped, counted } = pool;
  let pause = pace.firstPause;
  let process: WorkerProcess | undefined = first;
  while (process !== undefined) {
    const began = performance.now();
    const { code, signal } = await process.ended;
    if (stopped.signal.aborted) return;
    if (performance.now() - began > pace.settled) pause = pace.firstPause;
    counted.restarted(pool.silenced.delete(process.life) ? 'silent' : 'ended');
    logger.error({ worker, pid: process.pid, code, signal, pause }, 'a worker ended; it is started again');
    process = undefined;
    while (process === undefined) {
      await sleep(pause, undefined, { signal: stopped.signal }).catch(() => undefined);
      if (stopped.signal.aborted) return;
      pause = Math.min(pause * 2, pace.longestPause);
      process = await relaunch(pool, worker, pause);
    }
  }
}

async function relaunch(pool: Pool, worker: number, pause: number): Promise<WorkerProcess | undefined> {
  try {
    const process = await launch(pool, worker);
    pool.logger.info({ worker, pid: process.pid }, 'a worker serves again');
    return process;
  } catch (error) {
    if (pool.stopped.signal.aborted) return undefined;
    pool.counted.restarted('failed');
    const fault = error instanceof WorkerFailed ? error.fault : undefined;
    pool.logger.error({ worker, err: error, fault, pause }, 'a worker cannot be started; it is tried again');
    return undefined;
  }
}

/** One gathering for all who ask at the same time. */
function page(pool: Pool): Promise<string> {
  pool.page ??= gather(pool).finally(() => {
    pool.page = undefined;
  });
  return pool.page;
}

async function gather(pool: Pool): Promise<string> {
  const { figures, serving, pace } = pool;
  const told = await Promise.all([...serving.values()].map((worker) => hear(figures, worker, pace.answerWithin)));
  return figures.page(new Set(told.filter((life) => life !== undefined)));
}

/** Its life, if it answers in time. */
async function hear(figures: HostMetrics, worker: WorkerProcess, within: number): Promise<number | undefined> {
  const now = await worker.report(within);
  if (now === undefined) return undefined;
  figures.told(worker.life, now);
  return worker.life;
}

async function answerPage(pool: Pool, asker: WorkerProcess, question: number): Promise<void> {
  const text = await page(pool).catch((error: unknown) => {
    pool.logger.error({ err: error }, 'the metrics of the host cannot be gathered');
    return undefined;
  });
  asker.tell({ tell: 'page', question, text });
}

/**
 * Hears each worker now and then, so that little of what it counted is lost with it, and ends one that answers nothing: the
 * kernel would go on sending it its share of the connections.
 */
async function watch(pool: Pool): Promise<void> {
  const { pace, stopped, figures } = pool;
  const silent = new Map<number, number>();
  for (;;) {
    await sleep(pace.watchEvery, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);
    if (stopped.signal.aborted) return;
    for (const [worker, process] of pool.serving) {
      const heard = (await hear(figures, process, pace.answerWithin)) !== undefined;
      const missed = heard ? 0 : (silent.get(process.life) ?? 0) + 1;
      silent.set(process.life, missed);
      if (missed < pace.patience || pool.serving.get(worker) !== process) continue;
      pool.silenced.add(process.life);
      pool.logger.error({ worker, pid: process.pid, looks: missed }, 'a worker answers nothing any more; it is ended');
      process.kill();
    }
  }
}

async function stopAll({ all, pace, logger }: Pool): Promise<void> {
  const workers = [...all];
  for (const worker of workers) worker.tell({ tell: 'stop' });
  const limit = new AbortController();
  const late = sleep(pace.stopWithin, 'late' as const, { signal: limit.signal }).catch(() => undefined);
  const gone = Promise.all(workers.map(({ ended }) => ended));
  if ((await Promise.race([gone, late])) === 'late')
    for (const { pid, kill } of all) {
      logger.error({ pid }, 'a worker did not stop in time and is ended');
      kill();
    }
  limit.abort();
  await gone;
}
