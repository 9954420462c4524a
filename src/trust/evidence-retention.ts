import type { Database, Queryable } from '../platform/postgres.ts';
import { readCheckpoint } from './checkpoint.ts';
import { type CheckpointDeps, makeCheckpoint } from './checkpoints.ts';
import * as queries from './evidence-queries.ts';

export interface DropResult {
  readonly dropped: readonly string[];
  /** Partitions that had to stay, with the reason. */
  readonly kept: readonly { readonly partition: string; readonly cause: string }[];
}

/**
 * Drops the partitions that ended before then, each only if a signed checkpoint that lies outside has seen its last
 * row. What went is signed too, so that the chains can be followed across. Needs the owner of the tables.
 */
export async function dropPartitions(deps: CheckpointDeps, until: Date): Promise<DropResult> {
  const { rows } = await deps.db.query<queries.PartitionRow>(queries.partitionsBefore(until));
  const dropped: string[] = [];
  const kept: { partition: string; cause: string }[] = [];
  if (rows.length === 0) return { dropped, kept };
  // A checkpoint first, so that everything which can be behind one is.
  const checkpoint = await makeCheckpoint(deps, { wait: true });
  for (const { source, partition } of rows) {
    const cause =
      checkpoint.kind === 'made'
        ? await dropOne(deps.db, source, partition, deps.clock.now())
        : `no checkpoint can be signed: ${checkpoint.kind === 'no_key' ? checkpoint.cause : 'another node is at it'}`;
    if (cause === undefined) dropped.push(partition);
    else kept.push({ partition, cause });
  }
  if (dropped.length > 0) await makeCheckpoint(deps, { wait: true });
  return { dropped, kept };
}

function isEvidence(source: string): source is queries.EvidenceSource {
  return queries.evidenceSources.some((one) => one === source);
}

async function dropOne(db: Database, source: string, partition: string, at: Date): Promise<string | undefined> {
  return db.transaction(async (tx) => {
    if (isEvidence(source)) {
      await tx.query(queries.lockPartition(partition));
      const { rows } = await tx.query<queries.DroppedRow>(queries.rangesIn(partition));
      const heads = await exportedHeads(tx);
      const beyond = rows.find(({ chain, last }) => last > (heads.get(`${source} ${chain}`) ?? 0));
      if (beyond !== undefined) return 'it has rows that no exported checkpoint has seen';
      for (const range of rows) await tx.query(queries.insertDropped({ ...range, source }, partition, at));
    }
    await tx.query(queries.dropPartition(partition));
    return undefined;
  });
}

/** How far each chain had come at the newest checkpoint of which a copy lies outside. */
async function exportedHeads(tx: Queryable): Promise<Map<string, number>> {
  const { rows } = await tx.query<queries.CheckpointRow>(queries.lastCheckpoint);
  const [last] = rows;
  if (last === undefined || last.exportedTo === null) return new Map();
  const reading = readCheckpoint(last, undefined);
  if (!reading.ok) return new Map();
  return new Map(reading.statement.heads.map(({ source, chain, link }) => [`${source} ${chain}`, link]));
}
