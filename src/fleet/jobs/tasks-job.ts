import type { Clock } from '../../platform/clock.ts';
import { uuidv7 } from '../../platform/ids.ts';
import type { JobRun, JobWork } from '../../platform/job-runner.ts';
import type { Database, Queryable } from '../../platform/postgres.ts';
import { type DeviceState, deviceStates } from '../device.ts';
import { idPages } from '../register-many.ts';
import { mostOpen } from '../tasks.ts';
import { insertTasks } from '../tasks-many-queries.ts';
import { byOf, filterOf, type TasksInput } from './job-input.ts';
import { createPace } from './pace.ts';

/** A retired device is told nothing any more. */
export const statesWithTasks: readonly DeviceState[] = deviceStates.filter((state) => state !== 'retired');

interface Result {
  readonly queued: number;
  /** Devices that have too many open tasks already, or were retired meanwhile. */
  readonly left: number;
}

/** The same task for every device of a filter: a statement for five hundred of them. */
export function tasksJob({ db, clock }: { readonly db: Database; readonly clock: Clock }): JobWork {
  return async (run) => {
    const input = run.job.input as TasksInput;
    const begin = (run.job.position ?? {}) as { after?: string };
    let done = run.job.done;
    let result: Result = { queued: 0, left: 0, ...(run.job.result as Partial<Result>) };
    const rest = createPace();
    for await (const ids of idPages(db, filterOf(input.filter), statesWithTasks, begin.after)) {
      const next = await db.transaction(async (tx) => {
        const queued = await addBatch(tx, clock, run, input, ids);
        const sum = { queued: result.queued + queued, left: result.left + ids.length - queued };
        await run.advance({ done: done + ids.length, position: { after: ids.at(-1) }, result: sum }, tx);
        return sum;
      });
      result = next;
      done += ids.length;
      await rest();
    }
    return { ...result };
  };
}

async function addBatch(
  tx: Queryable,
  clock: Clock,
  { job }: JobRun,
  { request, priority = 0, notBefore, expiresAt }: TasksInput,
  deviceIds: readonly string[],
): Promise<number> {
  const { actor, reason } = byOf(job);
  const at = clock.now();
  const many = {
    ...{ deviceIds, ids: deviceIds.map(() => uuidv7(clock)), request, priority, actor, reason, at, most: mostOpen },
    notBefore: notBefore === undefined ? at : new Date(notBefore),
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    idempotencyKey: `job ${job.id}`,
  };
  return (await tx.query<{ count: number }>(insertTasks(many))).rows[0]?.count ?? 0;
}
