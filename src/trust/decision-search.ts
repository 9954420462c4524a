import type { DecisionRecord } from '../fleet/listing-details.ts';
import { type FoundPage, findPage, type TimePosition } from '../platform/bounded-search.ts';
import type { Queryable } from '../platform/postgres.ts';
import * as queries from './decision-search-queries.ts';
import type { StoredVerdict } from './evidence.ts';

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

export interface FoundDecision extends DecisionRecord {
  readonly deviceId: string | null;
  readonly peer: 'known' | 'trusted-chain' | 'stranger';
  readonly subject: string | null;
  /** The same in every decision about one TCP connection, and in the log. */
  readonly connectionId: string;
  readonly issuer: string | null;
  readonly serialNumber: string | null;
  readonly verdict: StoredVerdict | null;
}

/**
 * Decisions of the gate, newest first. admissions: about devices of the register, admitted or refused. refusals: of
 * clients without a device; floods of them are sampled.
 */
export async function findDecisions(
  db: Queryable,
  table: queries.DecisionTable,
  filter: DecisionFilter,
  { before, limit }: { readonly before?: TimePosition | undefined; readonly limit: number },
): Promise<FoundPage<FoundDecision, TimePosition>> {
  return findPage(db, queries.decisionSearches[table], { ...filter, before }, limit);
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
