import type { Queryable } from '../platform/postgres.ts';
import { lastLookedAt, searchChanges } from './change-search-queries.ts';
import type { ChangeRecord } from './listing-details.ts';

export interface ChangeFilter {
  readonly deviceId?: string | undefined;
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
  /** Only of devices with this tag. */
  readonly group?: string | undefined;
}

/** The last row of the page before. */
export interface ChangePosition {
  readonly at: Date;
  readonly id: string;
}

export interface FoundChange extends ChangeRecord {
  readonly deviceId: string;
}

/** Who changed what of devices, newest first. */
export async function findChanges(
  db: Queryable,
  filter: ChangeFilter,
  page: { readonly before?: ChangePosition | undefined; readonly limit: number },
): Promise<{ readonly changes: readonly FoundChange[]; readonly next: ChangePosition | undefined }> {
  const search = { ...filter, before: page.before };
  const { rows } = await db.query<FoundChange>(searchChanges(search, page.limit + 1));
  const changes = rows.slice(0, page.limit);
  if (rows.length > page.limit) return { changes, next: changes.at(-1) };
  // What is rare may lie behind the rows that one page looks at: it is not full then, and there is a next one.
  const end = lastLookedAt(search);
  return { changes, next: end && (await db.query<ChangePosition>(end)).rows[0] };
}
