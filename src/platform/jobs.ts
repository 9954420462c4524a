import type { Clock } from './clock.ts';
import { uuidv7 } from './ids.ts';
import * as queries from './jobs-queries.ts';
import type { Database, Queryable } from './postgres.ts';

export const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;

export interface NewJob {
  readonly kind: string;
  /** JSON. */
  readonly input: unknown;
  readonly actor: { readonly kind: string; readonly name: string };
  readonly reason?: string | undefined;
  /** Tag of the devices that whoever asks is kept to. */
  readonly group?: string | undefined;
  /** The same key asks for the same job, however often. */
  readonly idempotencyKey?: string | undefined;
  readonly total?: number | undefined;
}

export interface Job {
  readonly id: string;
  readonly kind: string;
  readonly state: (typeof jobStates)[number];
  readonly group: string | null;
  readonly actor: { readonly kind: string; readonly name: string };
  readonly reason: string | null;
  readonly input: unknown;
  /** Null: nobody knows yet. */
  readonly total: number | null;
  readonly done: number;
  readonly position: unknown;
  readonly result: Readonly<Record<string, unknown>>;
  readonly fault: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly cancelWanted: boolean;
  readonly attempts: number;
}

export type CancelResult = 'cancelled' | 'asked' | 'ended' | 'missing';

export interface CancelOptions {
  readonly group?: string | undefined;
  readonly record?: (tx: Queryable) => Promise<void>;
}

/** What doors know of long work. `group` keeps whoever asks to the jobs of their group. */
export interface Jobs {
  /** `created` false: the idempotency key asked for it before. `id`: where its file lies already. */
  create(job: NewJob, id?: string): Promise<{ readonly job: Job; readonly created: boolean }>;
  /** The job that this key asked for. */
  known(idempotencyKey: string): Promise<Job | undefined>;
  get(id: string, group?: string): Promise<Job | undefined>;
  /** Newest first, before the job with this id. */
  list(page: { readonly before?: string | undefined; readonly limit: number }, group?: string): Promise<readonly Job[]>;
  /**
   * A job that is under way ends at its next step: what is done stays done. `by` stands in its fault; `record` writes
   * what else there is to write, in the transaction of the cancelling, where it is cancelled.
   */
  cancel(id: string, by: string, options?: CancelOptions): Promise<CancelResult>;
  /** Stores a file for a job to be, part by part as it comes; answers the id of the job and the file's length. */
  receive(
    file: AsyncIterable<Uint8Array>,
    most: number,
  ): Promise<{ readonly id: string; readonly bytes: number } | 'too_large'>;
  /** What came with it or came of it, part by part. */
  read(id: string, name: 'input' | 'output'): AsyncGenerator<Uint8Array>;
}

/** Covers what is secret in the input of a job that has ended. */
export type Redact = (kind: string, input: unknown) => unknown;

export function createJobs(deps: { readonly db: Database; readonly clock: Clock; readonly redact: Redact }): Jobs {
  const { db, clock, redact } = deps;
  const one = async (query: ReturnType<typeof queries.jobById>): Promise<Job | undefined> =>
    (await db.query<Job>(query)).rows[0];
  return {
    create: async (job, id = uuidv7(clock)) => {
      const made = await one(queries.insertJob(id, job, clock.now()));
      if (made !== undefined) return { job: made, created: true };
      const known = await one(queries.jobByKey(job.idempotencyKey ?? ''));
      if (known === undefined) throw new Error('a job could be neither made nor found');
      return { job: known, created: false };
    },
    known: (idempotencyKey) => one(queries.jobByKey(idempotencyKey)),
    get: (id, group) => one(queries.jobById(id, group)),
    list: async ({ before, limit }, group) => (await db.query<Job>(queries.listJobs(group, before, limit))).rows,
    cancel: async (id, by, { group, record } = {}) => {
      const job = await one(queries.jobById(id, group));
      if (job === undefined) return 'missing';
      const fault = `cancelled by ${by}`;
      const end = { state: 'cancelled', input: redact(job.kind, job.input), fault } as const;
      return db.transaction(async (tx) => {
        const ended = (await tx.query(queries.endJob(id, null, end, clock.now()))).rows.length > 0;
        if (!ended && (await tx.query(queries.wantCancel(id, fault))).count === 0) return 'ended';
        await record?.(tx);
        return ended ? 'cancelled' : 'asked';
      });
    },
    receive: (file, most) => receive(deps, file, most),
    read: (id, name) => readParts(db, id, name),
  };
}

const partBytes = 256 * 1024;

async function receive({ db, clock }: { db: Database; clock: Clock }, file: AsyncIterable<Uint8Array>, most: number) {
  const id = uuidv7(clock);
  let part = 0;
  let bytes = 0;
  let waiting: Uint8Array[] = [];
  let length = 0;
  const flush = async (): Promise<void> => {
    if (length === 0) return;
    await db.query(queries.insertPart(id, 'input', part, Buffer.concat(waiting), clock.now()));
    part += 1;
    waiting = [];
    length = 0;
  };
  for await (const chunk of file) {
    bytes += chunk.length;
    if (bytes > most) return 'too_large' as const;
    waiting.push(chunk);
    length += chunk.length;
    if (length >= partBytes) await flush();
  }
  await flush();
  return { id, bytes };
}

async function* readParts(db: Queryable, id: string, name: 'input' | 'output'): AsyncGenerator<Uint8Array> {
  for (let part = 0; ; part += 1) {
    const { rows } = await db.query<{ bytes: Uint8Array }>(queries.readPart(id, name, part));
    const [row] = rows;
    if (row === undefined) return;
    yield row.bytes;
  }
}
