import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import type { Database, Query } from '../platform/postgres.ts';
import { startReconciler } from '../platform/reconciler.ts';
import { eraseSaid, retiredSince } from './register-moves-queries.ts';
import { forgetOldSessions } from './session-archive.ts';
import { expireTasks, forgetTasks } from './task-upkeep-queries.ts';
import { forgetTraces } from './trace-queries.ts';

const every = 60_000;
const day = 86_400_000;

/** How long outcomes and traces are kept. */
const keepTasks = 90 * day;
const keepTraces = 7 * day;

/** By then no session is open any more of a device that was retired, at any node. */
const closingTime = 600_000;

/** Rows of one statement: a campaign may end for a million devices at once, and no statement has more than seconds. */
const rowsAtOnce = 2000;
/** Statements of one step; the rest is left to the next. */
const mostStatements = 100;

/** What time alone does to tasks, sessions and traces, and what is left of the retired. Nodes may do it all at once. */
export async function upkeep(db: Database, at: Date, rows = rowsAtOnce): Promise<void> {
  await eraseBehind(db, new Date(at.getTime() - closingTime), rows);
  await bitByBit(db, rows, (most) => expireTasks(at, most));
  await forgetOldSessions(db, at);
  await bitByBit(db, rows, (most) => forgetTasks(new Date(at.getTime() - keepTasks), most));
  await bitByBit(db, rows, (most) => forgetTraces(new Date(at.getTime() - keepTraces), most));
}

/** What a session that was open wrote behind the erasing of its device. */
async function eraseBehind(db: Database, since: Date, most: number): Promise<void> {
  type Row = { id: string; at: Date };
  let last: Row | undefined = { id: '00000000-0000-0000-0000-000000000000', at: since };
  while (last !== undefined) {
    const { rows }: { rows: Row[] } = await db.query<Row>(retiredSince(last.at, last.id, most));
    const ids = rows.map(({ id }) => id);
    if (ids.length > 0) for (const query of eraseSaid(ids)) await db.query(query);
    last = rows.length === most ? rows.at(-1) : undefined;
  }
}

async function bitByBit(db: Database, most: number, query: (most: number) => Query): Promise<void> {
  for (let n = 0; n < mostStatements; n += 1) if ((await db.query(query(most))).count < most) return;
}

/** Answers how to stop it. */
export function keepUp({ db, clock, logger }: { db: Database; clock: Clock; logger: Logger }): () => Promise<void> {
  return startReconciler({ name: 'upkeep of tasks', every, logger, step: () => upkeep(db, clock.now()) }).stop;
}
