import type { SuspicionKind } from '../../src/fleet/suspicions.ts';
import type { Queryable } from '../../src/platform/postgres.ts';

export interface StoredSuspicion {
  readonly kind: SuspicionKind;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Newest first, as the audit has them. */
export async function suspicionsOf(db: Queryable, deviceId: string): Promise<readonly StoredSuspicion[]> {
  const { rows } = await db.query<StoredSuspicion>({
    text: 'select kind, evidence from suspicions where device_id = $1 order by at desc, id desc',
    values: [deviceId],
  });
  return rows;
}
