import { type FoundPage, findPage, type TimePosition } from '../platform/bounded-search.ts';
import type { Queryable } from '../platform/postgres.ts';
import { changeSearch } from './change-search-queries.ts';
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

export interface FoundChange extends ChangeRecord {
  readonly deviceId: string;
}

/** Who changed what of devices, newest first. */
export async function findChanges(
  db: Queryable,
  filter: ChangeFilter,
  { before, limit }: { readonly before?: TimePosition | undefined; readonly limit: number },
): Promise<FoundPage<FoundChange, TimePosition>> {
  return findPage(db, changeSearch, { ...filter, before }, limit);
}
