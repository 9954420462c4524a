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
  await bitByBit(() => db.query(forgetUploads(new Date(at - keepUploadsDays * day), atOnce)));
  await bitByBit(() => db.query(forgetTransfers(new Date(at - keepTransfers), atOnce)));
  const before = new Date(at - abandonedAfter);
  const swept = await bitByBit(async () => {
    const found = await db.query<{ id: string; store: StoreKind }>(sweepContents(before, atOnce));
    for (const { id, store } of found.rows)
      if (store === 'directory' && directory !== undefined) await removeFile(directory, id);
    return found;
  });
  metrics?.swept(swept);
  if (directory !== undefined) await sweepDirectory({ db, clock, directory }, before);
  return swept;
}

/** Statements of one step: a large fleet leaves more behind in a minute than one of them takes. */
const mostStatements = 50;

/** Answers how many rows went; what is left has the next turn. */
async function bitByBit(sweep: () => Promise<{ readonly count: number }>): Promise<number> {
  let swept = 0;
  for (let n = 0; n < mostStatements; n += 1) {
    const { count } = await sweep();
    swept += count;
    if (count < atOnce) break;
  }
  return swept;
}
