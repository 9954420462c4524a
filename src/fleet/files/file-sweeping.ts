import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/postgres.ts';
import type { StoreKind } from './content.ts';
import { sweepContents } from './content-queries.ts';
import { removeFile, sweepDirectory } from './directory-content.ts';
import { forgetTransfers, forgetUploads } from './door-queries.ts';
import type { TransferMetrics } from './transfer-metrics.ts';

export interface SweepingDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly config: Pick<Config, 'files'>;
  readonly metrics?: TransferMetrics;
}

const minute = 60_000;
const day = 86_400_000;

/** A writer touches its content every ten seconds: what is older than this belongs to one that is gone. */
const abandonedAfter = 5 * minute;
const atOnce = 100;
/** As long as the tasks that they belong to. */
const keepTransfers = 90 * day;

/**
 * What interrupted writes, removals and time leave behind. Nodes may do it all at once, and whoever is killed in it
 * leaves it to the next; answers how many contents went.
 */
export async function sweepFiles({ db, clock, config, metrics }: SweepingDeps): Promise<number> {
  const at = clock.now().getTime();
  const { keepUploadsDays, directory } = config.files;
  await db.query(forgetUploads(new Date(at - keepUploadsDays * day), atOnce));
  await db.query(forgetTransfers(new Date(at - keepTransfers), atOnce));
  const before = new Date(at - abandonedAfter);
  const { rows } = await db.query<{ id: string; store: StoreKind }>(sweepContents(before, atOnce));
  metrics?.swept(rows.length);
  if (directory === undefined) return rows.length;
  for (const { id, store } of rows) if (store === 'directory') await removeFile(directory, id);
  await sweepDirectory({ db, clock, directory }, before);
  return rows.length;
}
