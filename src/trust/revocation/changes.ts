import type { Actor } from '../../fleet/changes.ts';
import type { Database, Queryable } from '../../platform/postgres.ts';
import { announce, type ChangeRow, insertChange, lastChanges, latestSeq, lockRevocation } from './policy-queries.ts';

/** Nodes are told of every change on it; the payload is its seq. */
export const revocationChannel = 'hems_revocation';

export interface RevocationChange {
  readonly at: Date;
  readonly actor: Actor;
  readonly action:
    | 'policy_applied'
    | 'policy_rolled_back'
    | 'overridden'
    | 'crl_imported'
    | 'crl_fetched'
    | 'list_imported'
    | 'certificate_revoked'
    | 'certificate_reinstated'
    | 'certificate_released';
  /** What was changed: a version, a fingerprint, a file. */
  readonly subject: string;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
}

/** Inside `changeRevocation`: writes the audit row, answers its seq. */
export type RecordChange = (change: RevocationChange) => Promise<number>;

/**
 * One change of revocation in one transaction, together with its audit row, one after the other over all nodes, and
 * announced to them at the commit.
 */
export function changeRevocation<T>(
  db: Database,
  work: (tx: Queryable, record: RecordChange) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query(lockRevocation());
    return work(tx, async (change) => {
      const { rows } = await tx.query<{ seq: number }>(insertChange(change));
      const seq = rows[0]?.seq ?? 0;
      await tx.query(announce(seq));
      return seq;
    });
  });
}

/** The seq of the last change. */
export async function lastChange(db: Queryable): Promise<number> {
  return (await db.query<{ seq: number }>(latestSeq())).rows[0]?.seq ?? 0;
}

export type ChangeRecord = ChangeRow;

/** The audit of revocation, newest first. */
export async function listChanges(db: Queryable, limit: number): Promise<readonly ChangeRecord[]> {
  return (await db.query<ChangeRow>(lastChanges(limit))).rows;
}
