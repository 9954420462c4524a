import type { Queryable } from '../platform/postgres.ts';
import { decisionById, decisionsOfDevice, type ExplainedRow } from './explain-queries.ts';

/** A decision of the past with the evidence that was kept with it. */
export type ExplainedDecision = ExplainedRow;

export async function explainEvent(db: Queryable, id: string): Promise<ExplainedDecision | undefined> {
  const { rows } = await db.query<ExplainedRow>(decisionById(id));
  return rows[0];
}

/** Newest first. */
export async function explainDevice(
  db: Queryable,
  deviceId: string,
  limit: number,
): Promise<readonly ExplainedDecision[]> {
  return (await db.query<ExplainedRow>(decisionsOfDevice(deviceId, limit))).rows;
}
