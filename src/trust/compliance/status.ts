import type { Figures } from '../../fleet/figure-queries.ts';
import { refreshFigures } from '../../fleet/figures.ts';
import { presentNodes, type SeenNode } from '../../fleet/nodes.ts';
import type { Database } from '../../platform/postgres.ts';
import { type Holding, listHoldings } from '../revocation/crl-store.ts';
import { currentOverride, currentPolicy } from '../revocation/policy-store.ts';
import { type FetchStateRow, fetchStatesShown, type RefusalCountRow, refusalCounts } from './status-queries.ts';

/** The installation at one moment, as far as the database knows it: no node has to be asked. */
export interface Status {
  readonly at: Date;
  readonly nodes: readonly SeenNode[];
  /** Of the last hour. */
  readonly refusals: readonly RefusalCountRow[];
  readonly revocation: {
    /** Of the policy in force; null: there is none. */
    readonly policyVersion: number | null;
    readonly overriddenUntil: Date | null;
    readonly crls: readonly Omit<Holding, 'signers'>[];
    readonly fetches: readonly FetchStateRow[];
  };
  /** Counted at `countedAt`, at most some seconds ago. */
  readonly figures: Figures | null;
  readonly countedAt: Date | null;
}

const hour = 3_600_000;
const mostFetches = 50;
/** Fresher than this, counts of another node or of a look before will do. */
const freshEnough = 10_000;

export async function readStatus(db: Database, at: Date): Promise<Status> {
  const [nodes, refusals, policy, override, crls, fetches, counted] = [
    await presentNodes(db, at),
    (await db.query<RefusalCountRow>(refusalCounts(new Date(at.getTime() - hour)))).rows,
    await currentPolicy(db),
    await currentOverride(db),
    await listHoldings(db),
    (await db.query<FetchStateRow>(fetchStatesShown(mostFetches))).rows,
    await refreshFigures(db, at, freshEnough),
  ];
  return {
    at,
    nodes,
    refusals,
    revocation: {
      policyVersion: policy?.version ?? null,
      overriddenUntil: override !== undefined && override.until > at ? override.until : null,
      crls: crls.map(({ signers: _, ...rest }) => rest),
      fetches,
    },
    figures: counted?.figures ?? null,
    countedAt: counted?.at ?? null,
  };
}
