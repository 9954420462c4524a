import type { Queryable } from '../platform/postgres.ts';
import * as queries from './decision-search-queries.ts';
import type { FoundDecision } from './decision-search-queries.ts';

export type { FoundDecision };

export interface DecisionFilter {
  readonly outcome?: 'admitted' | 'refused' | undefined;
  readonly reason?: string | undefined;
  readonly peer?: string | undefined;
  readonly anchor?: string | undefined;
  /** An address, or a block of them in CIDR. */
  readonly address?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
  /** Only of devices with this tag. */
  readonly group?: string | undefined;
}

/** The last row of the page before. */
export interface DecisionPosition {
  readonly at: Date;
  readonly id: string;
}

export interface DecisionPage {
  readonly decisions: readonly FoundDecision[];
  readonly next: DecisionPosition | undefined;
}

/**
 * Decisions of the gate, newest first. admissions: about devices of the register, admitted or refused. refusals: of
 * clients without a device; floods of them are sampled.
 */
export async function findDecisions(
  db: Queryable,
  table: queries.DecisionTable,
  filter: DecisionFilter,
  { before, limit }: { readonly before?: DecisionPosition | undefined; readonly limit: number },
): Promise<DecisionPage> {
  const search = { ...filter, before };
  const { rows } = await db.query<FoundDecision>(queries.searchDecisions(table, search, limit + 1));
  const decisions = rows.slice(0, limit);
  if (rows.length > limit) return { decisions, next: decisions.at(-1) };
  // What is rare may lie behind the rows that one page looks at: it is not full then, and there is a next one.
  const end = queries.lastLookedAt(table, search);
  const next = end && (await db.query<DecisionPosition>(end)).rows[0];
  return { decisions, next };
}

export const decisionKeys = ['outcome', 'reason', 'peer', 'anchor', 'network', 'hour', 'day'] as const;

export type DecisionKey = (typeof decisionKeys)[number];

export interface DecisionCounts {
  /** Most first, at most 500. */
  readonly counts: readonly { readonly key: string; readonly count: number }[];
  /** False: older rows than `since` were not looked at. */
  readonly complete: boolean;
  readonly since: Date | null;
  /** Refusals of floods that have no row of their own; 0 for admissions. */
  readonly suppressed: number;
}

/** How many there are of each kind, among the newest. */
export async function countDecisions(
  db: Queryable,
  table: queries.DecisionTable,
  filter: DecisionFilter,
  by: DecisionKey,
): Promise<DecisionCounts> {
  const counting = queries.countDecisions(table, filter, by);
  const [counted, flood] = await Promise.all([
    db.query<Omit<DecisionCounts, 'suppressed'>>(counting),
    table === 'refusals' ? db.query<{ suppressed: number }>(queries.countSuppressed(filter)) : undefined,
  ]);
  const [row = { counts: [], complete: true, since: null }] = counted.rows;
  return { ...row, suppressed: flood?.rows[0]?.suppressed ?? 0 };
}
