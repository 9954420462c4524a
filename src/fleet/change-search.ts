import type { Queryable } from '../platform/postgres.ts';
import { searchChanges } from './change-search-queries.ts';
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
  const { rows } = await db.query<FoundChange>(searchChanges(filter, page.before, page.limit + 1));
  const changes = rows.slice(0, page.limit);
  return { changes, next: rows.length > page.limit ? changes.at(-1) : undefined };
}
