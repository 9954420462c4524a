import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/postgres.ts';
import { refreshFigures } from './figures.ts';
import type { Figures } from './figure-queries.ts';
import { type GroupFigures, groupFigures, informedFigures } from './overview-queries.ts';

export interface Overview extends GroupFigures {
  /** When it was counted. */
  readonly at: Date;
  /** What is counted for the whole installation alone; undefined for a group. */
  readonly installation: Omit<Figures, 'devices'> | undefined;
}

/** Numbers for the first page of a dashboard, counted every half a minute at most, whoever asks how often. */
export interface Overviews {
  read(group: string | undefined): Promise<Overview | undefined>;
}

const fresh = 30_000;
/** Groups remembered at once. */
const mostGroups = 1000;

export function createOverviews({ db, clock }: { readonly db: Database; readonly clock: Clock }): Overviews {
  const kept = new Map<string, { readonly from: number; readonly overview: Promise<Overview | undefined> }>();
  const count = async (group: string | undefined): Promise<Overview | undefined> => {
    const at = clock.now();
    if (group === undefined) return ofAll(db, at);
    const { rows } = await db.query<GroupFigures>(groupFigures(group, at));
    return rows[0] && { ...rows[0], at, installation: undefined };
  };
  return {
    read: (group) => {
      const key = group ?? '';
      const now = clock.now().getTime();
      const known = kept.get(key);
      if (known !== undefined && Math.abs(now - known.from) < fresh) return known.overview;
      if (kept.size >= mostGroups) kept.clear();
      // Whoever asks meanwhile waits for the same count; one that fails is not kept.
      const overview = count(group).catch((error: unknown) => {
        kept.delete(key);
        throw error;
      });
      kept.set(key, { from: now, overview });
      return overview;
    },
  };
}

async function ofAll(db: Database, at: Date): Promise<Overview | undefined> {
  const [row, informed] = await Promise.all([
    refreshFigures(db, at, fresh),
    db.query<Omit<GroupFigures, 'devices'>>(informedFigures(at)),
  ]);
  if (row === undefined || informed.rows[0] === undefined) return undefined;
  const { devices, ...installation } = row.figures;
  return { at: row.at, devices, ...informed.rows[0], installation };
}
