import type { Clock } from '../../platform/clock.ts';
import type { JobRun, JobWork } from '../../platform/job-runner.ts';
import type { Database } from '../../platform/postgres.ts';
import { exportPage } from '../listing-queries.ts';
import type { Problem } from '../register.ts';
import { devicesABatch, idPages, moveBatch, mostNamed } from '../register-many.ts';
import { moveDevices } from '../register-moves.ts';
import { shippingHead, shippingText } from '../shipping-file.ts';
import type { ShippingRecord } from '../shipping-record.ts';
import { statesBefore } from '../transitions.ts';
import { byOf, filterOf, type MovesInput } from './job-input.ts';
import { createPace } from './pace.ts';

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
}

interface Result {
  readonly moved: number;
  /** Devices left as they are; at most 100 are named. */
  readonly left: readonly Problem[];
}

const none: Result = { moved: 0, left: [] };

/** One move for every device of a filter, batch by batch; what is counted as moved is what was moved. */
export function movesJob(deps: Deps): JobWork {
  return async (run) => {
    const input = run.job.input as MovesInput;
    const result = input.move === 'handover' ? await handOver(deps, run, input) : await moveAll(deps, run, input);
    return { ...result };
  };
}

function standing({ job }: JobRun): { after: string | undefined; done: number; result: Result } {
  const { after } = (job.position ?? {}) as { after?: string };
  return { after, done: job.done, result: { ...none, ...(job.result as Partial<Result>) } };
}

async function moveAll({ db, clock }: Deps, run: JobRun, { move, filter }: MovesInput): Promise<Result> {
  if (move === 'handover') return none;
  const begin = standing(run);
  let { done, result } = begin;
  const rest = createPace();
  for await (const ids of idPages(db, filterOf(filter), statesBefore(move), begin.after)) {
    const next = await db.transaction(async (tx) => {
      const { moved, left } = await moveBatch(tx, move, ids, byOf(run.job), clock.now());
      const sum = { moved: result.moved + moved, left: [...result.left, ...left].slice(0, mostNamed) };
      await run.advance({ done: done + ids.length, position: { after: ids.at(-1) }, result: sum }, tx);
      return sum;
    });
    done += ids.length;
    result = next;
    await rest();
  }
  return result;
}

/** The records of a batch are kept in the transaction that retires it. */
async function handOver({ db, clock }: Deps, run: JobRun, { filter, format = 'csv' }: MovesInput): Promise<Result> {
  const begin = standing(run);
  let { after, done, result } = begin;
  for (;;) {
    const { rows } = await db.query<ShippingRecord>(exportPage(filterOf(filter), after, devicesABatch));
    if (rows.length === 0) return result;
    const ids = [...new Set(rows.map(({ device }) => device))];
    const text = shippingText(rows, format);
    const first = run.job.position === null && done === 0;
    const next = await db.transaction(async (tx) => {
      await run.write(Buffer.from(first ? shippingHead(format) + text : text), tx);
      const { length } = await moveDevices(tx, 'handover', ids, byOf(run.job), clock.now());
      const sum = { ...result, moved: result.moved + length };
      await run.advance({ done: done + ids.length, position: { after: ids.at(-1) }, result: sum }, tx);
      return sum;
    });
    result = next;
    done += ids.length;
    after = ids.at(-1);
  }
}
