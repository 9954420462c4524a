import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../platform/postgres.ts';
import type { Readiness } from './health-routes.ts';

const within = 2000;

/** The doors are open as long as this is asked at all; what may fail is the database behind them. */
export async function readiness(ping: () => Promise<unknown>): Promise<Readiness> {
  const late = new AbortController();
  const timedOut = sleep(within, 'no answer in 2 s', { signal: late.signal, ref: false }).catch(() => undefined);
  const asked = ping().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const cause = await Promise.race([asked, timedOut]);
  late.abort();
  const database = { name: 'database', ok: cause === undefined, ...(cause !== undefined && { cause }) };
  return { ready: database.ok, checks: [database] };
}

export function pingOf(db: Database): () => Promise<unknown> {
  return () => db.query({ name: 'app_readiness', text: 'select 1' });
}
