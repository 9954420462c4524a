import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../platform/clock.ts';
import type { Queryable } from '../platform/postgres.ts';
import { type DecisionRow, decisionsSince, type SummaryRow, summariesSince } from './decision-log-queries.ts';

export type { DecisionRow, SummaryRow };

export type LogEntry =
  | { readonly kind: 'decision'; readonly decision: DecisionRow }
  | { readonly kind: 'summary'; readonly summary: SummaryRow };

export interface FollowOptions {
  /** Entries recorded after this come first. */
  readonly since: Date;
  /** Entries to begin with, at most. */
  readonly limit: number;
  /** Go on until the signal aborts; else end after what is there. */
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

/** A transaction that began earlier may commit later: each look reaches back this far, and what was seen is passed over. */
const overlapMs = 5000;
const pauseMs = 500;
const batch = 1000;

/**
 * The admission log in the order it was recorded: every decision that has a row, and for floods the minutes that were
 * only counted. Looks into the tables rather than listening, so that a flood costs the readers and not the gate.
 */
export async function* followDecisions(db: Queryable, clock: Clock, options: FollowOptions): AsyncGenerator<LogEntry> {
  const seen = new Map<string, number>();
  let since = options.since;
  for (let limit = options.limit; ; limit = batch) {
    const entries = await look(db, since, limit);
    for (const { entry, id, at } of entries) {
      if (seen.has(id)) continue;
      seen.set(id, at);
      yield entry;
    }
    if (!options.follow || options.signal?.aborted === true) return;
    since = new Date(clock.now().getTime() - overlapMs);
    for (const [id, at] of seen) if (at < since.getTime()) seen.delete(id);
    try {
      await sleep(pauseMs, undefined, { signal: options.signal });
    } catch {
      return; // The reader has seen enough.
    }
  }
}

async function look(db: Queryable, since: Date, limit: number): Promise<{ id: string; at: number; entry: LogEntry }[]> {
  const decisions = await db.query<DecisionRow>(decisionsSince(since, limit));
  const summaries = await db.query<SummaryRow>(summariesSince(since, limit));
  return [
    ...decisions.rows.map((decision) => ({
      id: decision.id,
      at: decision.recorded_at.getTime(),
      entry: { kind: 'decision' as const, decision },
    })),
    ...summaries.rows.map((summary) => ({
      id: summary.id,
      at: summary.recorded_at.getTime(),
      entry: { kind: 'summary' as const, summary },
    })),
  ].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}
