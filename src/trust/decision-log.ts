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
export async function* followDecisions(
  read: (since: Date, limit: number) => Promise<readonly LogEntry[]>,
  clock: Clock,
  options: FollowOptions,
): AsyncGenerator<LogEntry> {
  const seen = new Map<string, number>();
  let since = options.since;
  for (let limit = options.limit; ; limit = batch) {
    for (const entry of await read(since, limit)) {
      const { id, recorded_at } = rowOf(entry);
      if (seen.has(id)) continue;
      seen.set(id, recorded_at.getTime());
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

function rowOf(entry: LogEntry): DecisionRow | SummaryRow {
  return entry.kind === 'decision' ? entry.decision : entry.summary;
}

/** What was recorded after then, in that order: at most `limit` decisions, and as many counted minutes. */
export async function logSince(db: Queryable, since: Date, limit: number): Promise<readonly LogEntry[]> {
  const decisions = await db.query<DecisionRow>(decisionsSince(since, limit));
  const summaries = await db.query<SummaryRow>(summariesSince(since, limit));
  const entries: LogEntry[] = [
    ...decisions.rows.map((decision) => ({ kind: 'decision' as const, decision })),
    ...summaries.rows.map((summary) => ({ kind: 'summary' as const, summary })),
  ];
  return entries.toSorted((one, other) => {
    const [a, b] = [rowOf(one), rowOf(other)];
    return a.recorded_at.getTime() - b.recorded_at.getTime() || (a.id < b.id ? -1 : 1);
  });
}
