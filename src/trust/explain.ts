import { type SuspicionRecord, suspicionsAbout } from '../fleet/suspicions.ts';
import type { Queryable } from '../platform/postgres.ts';
import { decisionById, decisionsOfDevice, type ExplainedRow } from './explain-queries.ts';

/** What was suspected of the device about the time of a refusal: the serial that it claimed, and the one it has. */
export type ExplainedSuspicion = Pick<SuspicionRecord, 'at' | 'kind' | 'evidence'>;

/** A decision of the past with the evidence that was kept with it. */
export interface ExplainedDecision extends ExplainedRow {
  readonly suspicions: readonly ExplainedSuspicion[];
}

export async function explainEvent(db: Queryable, id: string): Promise<ExplainedDecision | undefined> {
  const { rows } = await db.query<ExplainedRow>(decisionById(id));
  return (await withSuspicions(db, rows))[0];
}

/** Newest first. */
export async function explainDevice(
  db: Queryable,
  deviceId: string,
  limit: number,
): Promise<readonly ExplainedDecision[]> {
  const { rows } = await db.query<ExplainedRow>(decisionsOfDevice(deviceId, limit));
  return withSuspicions(db, rows);
}

async function withSuspicions(db: Queryable, rows: readonly ExplainedRow[]): Promise<readonly ExplainedDecision[]> {
  const explained: ExplainedDecision[] = [];
  for (const row of rows) {
    const of = row.outcome === 'refused' && row.device_id !== null ? row.device_id : undefined;
    const found = of === undefined ? [] : await suspicionsAbout(db, of, row.at);
    explained.push({ ...row, suspicions: found.map(({ at, kind, evidence }) => ({ at, kind, evidence })) });
  }
  return explained;
}
