import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import type { Database, Query } from '../platform/postgres.ts';
import { startReconciler } from '../platform/reconciler.ts';
import { forgetOldSessions } from './session-archive.ts';
import { expireTasks, forgetTasks } from './task-upkeep-queries.ts';
import { forgetTraces } from './trace-queries.ts';

const every = 60_000;
const day = 86_400_000;

/** How long outcomes and traces are kept. */
const keepTasks = 90 * day;
const keepTraces = 7 * day;

/** Rows of one statement: a campaign may end for a million devices at once, and no statement has more than seconds. */
const rowsAtOnce = 2000;
/** Statements of one step; the rest is left to the next. */
const mostStatements = 100;

/** What time alone does to tasks, sessions and traces. Nodes may do it all at once. */
export async function upkeep(db: Database, at: Date, rows = rowsAtOnce): Promise<void> {
  await bitByBit(db, rows, (most) => expireTasks(at, most));
  await forgetOldSessions(db, at);
  await bitByBit(db, rows, (most) => forgetTasks(new Date(at.getTime() - keepTasks), most));
  await bitByBit(db, rows, (most) => forgetTraces(new Date(at.getTime() - keepTraces), most));
}

async function bitByBit(db: Database, most: number, query: (most: number) => Query): Promise<void> {
  for (let n = 0; n < mostStatements; n += 1) if ((await db.query(query(most))).count < most) return;
}

/** Answers how to stop it. */
export function keepUp({ db, clock, logger }: { db: Database; clock: Clock; logger: Logger }): () => Promise<void> {
  return startReconciler({ name: 'upkeep of tasks', every, logger, step: () => upkeep(db, clock.now()) }).stop;
}
