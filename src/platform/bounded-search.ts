import { type BoundedSearch, boundedEnd, boundedPage, isBounded } from './bounded-search-queries.ts';
import type { Queryable } from './postgres.ts';

/** The last row of the page before, where the order is `at`, `id`. */
export interface TimePosition {
  readonly at: Date;
  readonly id: string;
}

export interface FoundPage<Row, Position> {
  readonly rows: readonly Row[];
  /** What the page behind begins after; undefined: there is none. */
  readonly next: Position | undefined;
}

/** A page of what fits, newest first. */
export async function findPage<Filter extends object, Row extends Position, Position extends object>(
  db: Queryable,
  search: BoundedSearch<Filter>,
  filter: Filter,
  limit: number,
): Promise<FoundPage<Row, Position>> {
  const found = await db.query<Row>(boundedPage(search, filter, limit + 1));
  const rows = found.rows.slice(0, limit);
  if (found.rows.length > limit) return { rows, next: rows.at(-1) };
  if (!isBounded(search, filter)) return { rows, next: undefined };
  // What is rare may lie behind the rows that one page looks at: it is not full then, and there is a next one.
  const end = await db.query<Position>(boundedEnd(search, filter));
  return { rows, next: end.rows[0] };
}
