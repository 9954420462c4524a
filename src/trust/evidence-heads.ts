import type { Queryable } from '../platform/postgres.ts';
import { chainHeads, type HeadRow } from './evidence-queries.ts';

/** Where every chain of the audit ends now. */
export async function heads(db: Queryable): Promise<readonly HeadRow[]> {
  return (await db.query<HeadRow>(chainHeads)).rows;
}
