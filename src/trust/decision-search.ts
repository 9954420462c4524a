import type { Queryable } from '../platform/postgres.ts';
import { type FoundDecision, searchDecisions } from './decision-search-queries.ts';

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
  table: 'admissions' | 'refusals',
  filter: DecisionFilter,
  page: { readonly before?: DecisionPosition | undefined; readonly limit: number },
): Promise<DecisionPage> {
  const { rows } = await db.query<FoundDecision>(searchDecisions(table, filter, page.before, page.limit + 1));
  const decisions = rows.slice(0, page.limit);
  return { decisions, next: rows.length > page.limit ? decisions.at(-1) : undefined };
}
