import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { forgetOldSessions } from './session-archive.ts';
import { expireTasks, forgetTasks } from './task-upkeep-queries.ts';
import { forgetTraces } from './trace-queries.ts';

const every = 60_000;
const day = 86_400_000;

/** How long outcomes and traces are kept. */
const keepTasks = 90 * day;
const keepTraces = 7 * day;

/** What time alone does to tasks, sessions and traces. Nodes may do it all at once. */
export async function upkeep(db: Database, at: Date): Promise<void> {
  await db.query(expireTasks(at));
  await forgetOldSessions(db, at);
  await db.query(forgetTasks(new Date(at.getTime() - keepTasks), 5000));
  await db.query(forgetTraces(new Date(at.getTime() - keepTraces)));
}

/** Answers how to stop it. */
export function keepUp({ db, clock, logger }: { db: Database; clock: Clock; logger: Logger }): () => void {
  const timer = setInterval(() => {
    upkeep(db, clock.now()).catch((error) => logger.warn({ err: error }, 'the upkeep of tasks failed'));
  }, every).unref();
  return () => clearInterval(timer);
}
