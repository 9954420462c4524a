import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Job, Redact } from './jobs.ts';
import * as queries from './jobs-queries.ts';
import type { Database, Queryable } from './postgres.ts';
import { startReconciler } from './reconciler.ts';

/** What the work of one kind is given. */
export interface JobRun {
  readonly job: Job;
  /**
   * Says how far it is, in the transaction of the step itself where `tx` is given: what is done and what is said to be
   * done are one then. Throws JobStopped where the work has to end: cancelled, taken over, or the node stops.
   */
  advance(step: queries.Advance, tx?: Queryable): Promise<void>;
  /** Appends to the file that comes of the job. */
  write(bytes: Uint8Array, tx?: Queryable): Promise<void>;
  /** The file that came with it. */
  input(): AsyncGenerator<Uint8Array>;
}

/** Goes on where `job.position` says; answers the result. A step may be done twice, unless it advances in its own transaction. */
export type JobWork = (run: JobRun) => Promise<Readonly<Record<string, unknown>>>;

/** Not an error of the work: it has to end here. */
class JobStopped extends Error {
  readonly why: 'cancelled' | 'lost' | 'stopping';
  constructor(why: 'cancelled' | 'lost' | 'stopping') {
    super(why);
    this.name = 'JobStopped';
    this.why = why;
  }
}

/** The job cannot be done, and trying again is no use; the message is for whoever asked. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
}

export interface JobRunner {
  /** There is a new one. */
  kick(): void;
  /** Gives what is under way back, for another node. */
  stop(): Promise<void>;
}

export interface JobRunnerDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly kinds: Readonly<Record<string, JobWork>>;
  readonly redact: Redact;
  readonly read: (id: string, name: 'input') => AsyncGenerator<Uint8Array>;
  /** Milliseconds after which a holder that says nothing has lost its job (default 15 000). */
  readonly leaseMs?: number;
  /** Milliseconds between looks for jobs of other nodes (default 2 000). */
  readonly every?: number;
}

/** Begun so often without coming any further, it is given up. */
const mostAttempts = 5;
/** Jobs of a node at once. */
const slots = 2;
const keepFinished = 30 * 86_400_000;
const keepBrokenOff = 86_400_000;
const forgetEvery = 3_600_000;

/** Takes jobs and does them, two at a time; beside it nodes do the same. */
export function startJobRunner(deps: JobRunnerDeps): JobRunner {
  const { db, clock, logger, every = 2000 } = deps;
  const state = { stopping: false };
  const reconcilers = Array.from({ length: slots }, (_, slot) =>
    startReconciler({ name: `jobs ${slot}`, every, logger, step: () => takeAll(deps, state) }),
  );
  const cleaner = startReconciler({
    name: 'old jobs',
    every: forgetEvery,
    logger,
    step: () => {
      const at = clock.now().getTime();
      return db.query(queries.forgetJobs(new Date(at - keepFinished), new Date(at - keepBrokenOff)));
    },
  });
  return {
    kick: () => {
      for (const one of reconcilers) one.kick();
    },
    stop: async () => {
      state.stopping = true;
      await Promise.all([...reconcilers, cleaner].map((one) => one.stop()));
    },
  };
}

interface Stopping {
  readonly stopping: boolean;
}

async function takeAll(deps: JobRunnerDeps, state: Stopping): Promise<void> {
  const { db, clock, kinds, leaseMs = 15_000 } = deps;
  while (!state.stopping) {
    const lease = randomUUID();
    const { rows } = await db.query<Job>(queries.takeJob(Object.keys(kinds), lease, leaseMs, clock.now()));
    const [job] = rows;
    if (job === undefined) return;
    await doJob({ ...deps, leaseMs, lease, job, state });
  }
}

interface Doing extends JobRunnerDeps {
  readonly leaseMs: number;
  readonly lease: string;
  readonly job: Job;
  readonly state: Stopping;
}

async function doJob(doing: Doing): Promise<void> {
  const { db, job, lease, leaseMs, logger, kinds } = doing;
  if (job.cancelWanted) return end(doing, { state: 'cancelled' });
  if (job.attempts > mostAttempts)
    return end(doing, { state: 'failed', fault: `it was begun ${mostAttempts} times and came no further` });
  // A step may take longer than the lease.
  const heartbeat = setInterval(() => {
    db.query(queries.advanceJob(job.id, lease, leaseMs, undefined)).catch((error: unknown) =>
      logger.warn({ err: error, job: job.id }, 'the lease of a job could not be renewed'),
    );
  }, leaseMs / 3).unref();
  try {
    const result = await kinds[job.kind]?.(runOf(doing));
    await end(doing, { state: 'done', result });
  } catch (error) {
    await broken(doing, error);
  } finally {
    clearInterval(heartbeat);
  }
}

async function broken(doing: Doing, error: unknown): Promise<void> {
  const { db, job, lease, logger } = doing;
  if (error instanceof JobFailure) return end(doing, { state: 'failed', fault: error.message });
  if (!(error instanceof JobStopped)) {
    // The lease runs out, and it is tried again: a database that was away is the usual reason.
    logger.error({ err: error, job: job.id, kind: job.kind }, 'a step of a job failed');
    return;
  }
  if (error.why === 'cancelled') await end(doing, { state: 'cancelled' });
  else if (error.why === 'stopping') await db.query(queries.releaseJob(job.id, lease));
}

async function end({ db, clock, job, lease, redact }: Doing, how: Omit<queries.JobEnd, 'input'>): Promise<void> {
  await db.query(queries.endJob(job.id, lease, { ...how, input: redact(job.kind, job.input) }, clock.now()));
}

function runOf({ db, clock, job, lease, leaseMs, state, read }: Doing): JobRun {
  return {
    job,
    advance: async (step, tx = db) => {
      if (state.stopping) throw new JobStopped('stopping');
      const { rows } = await tx.query<{ cancelWanted: boolean }>(queries.advanceJob(job.id, lease, leaseMs, step));
      const [row] = rows;
      if (row === undefined) throw new JobStopped('lost');
      if (row.cancelWanted) throw new JobStopped('cancelled');
    },
    write: async (bytes, tx = db) => {
      await tx.query(queries.appendPart(job.id, bytes, clock.now()));
    },
    input: () => read(job.id, 'input'),
  };
}
