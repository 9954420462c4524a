import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import { startReconciler } from '../platform/reconciler.ts';
import { showFigures } from './figure-metrics.ts';
import type { FiguresRow } from './figure-queries.ts';
import * as queries from './figure-queries.ts';

export interface FiguresDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Configured anchors, so that every series is there at 0 from the start. */
  readonly anchors: readonly string[];
  /** Milliseconds between two counts of the installation (default 30 s). */
  readonly every?: number;
}

/** A register of millions is counted more seldom: a count costs the database a twentieth of its time at most. */
function pauseAfter({ figures }: FiguresRow, every: number): number {
  return Math.max(every, 20 * figures.milliseconds);
}

/**
 * Takes the counts of the installation if nobody did for `every` milliseconds; one node counts, the others read what it
 * found. Answers undefined where another node is counting the first ones.
 */
export async function refreshFigures(db: Database, at: Date, every: number): Promise<FiguresRow | undefined> {
  const kept = (await db.query<FiguresRow>(queries.readFigures())).rows[0];
  if (kept !== undefined && at.getTime() - kept.at.getTime() < pauseAfter(kept, every)) return kept;
  const counted = await db.transaction(async (tx) => {
    const { rows } = await tx.query<{ taken: boolean }>(queries.takeFiguresLease());
    return rows[0]?.taken === true ? count(tx, at) : undefined;
  });
  return counted ?? kept;
}

async function count(tx: Queryable, at: Date): Promise<FiguresRow | undefined> {
  const start = performance.now();
  const counted: Record<string, unknown> = {};
  for (const [name, query] of Object.entries(queries.countings(at)))
    counted[name] = (await tx.query<{ counted: unknown }>(query)).rows[0]?.counted;
  const milliseconds = Math.round(performance.now() - start);
  const figures = { ...counted, milliseconds } as queries.Figures;
  return (await tx.query<FiguresRow>(queries.keepFigures(at, figures))).rows[0];
}

/** Keeps the figures of this node fresh and shows them as gauges; answers how to stop it. */
export function keepFigures(deps: FiguresDeps): () => Promise<void> {
  const every = deps.every ?? 30_000;
  let latest: FiguresRow | undefined;
  showFigures(deps, () => latest);
  const reconciler = startReconciler({
    name: 'figures',
    every: Math.max(1000, every / 2),
    step: async () => {
      latest = (await refreshFigures(deps.db, deps.clock.now(), every)) ?? latest;
    },
    logger: deps.logger,
  });
  reconciler.kick();
  return () => reconciler.stop();
}
