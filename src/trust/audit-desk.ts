import type { By } from '../fleet/register.ts';
import { type AuditFilter, type AuditPage, listAudit } from './audit-listing.ts';
import {
  type CheckpointDeps,
  type CheckpointOutcome,
  type CheckpointPublicKey,
  checkpointPublicKey,
  makeCheckpoint,
} from './checkpoints.ts';
import { heads } from './evidence-heads.ts';
import { type Verification, type VerifyOptions, verifyEvidence } from './evidence-verify.ts';

/** Everything that people do with the audit, whichever door they come by. */
export interface AuditDesk {
  list(filter: AuditFilter, limit: number): Promise<AuditPage>;
  /** Rows that a verification reads. */
  rows(): Promise<number>;
  verify(options: VerifyOptions): Promise<Verification>;
  /** Waits for the turn of another node to end. */
  checkpoint(by: By): Promise<CheckpointMade>;
  key(): Promise<CheckpointPublicKey>;
}

export type CheckpointMade =
  | {
      readonly ok: true;
      readonly number: number;
      readonly at: Date;
      /** Where a copy lies outside the database. */
      readonly exportedTo: string | null;
      /** Why there is none there. */
      readonly exportFailure?: string;
    }
  | { readonly ok: false; readonly cause: string };

export function createAuditDesk(deps: CheckpointDeps): AuditDesk {
  const { db } = deps;
  return {
    list: (filter, limit) => listAudit(db, filter, limit),
    rows: async () => (await heads(db)).reduce((sum, { link }) => sum + link, 0),
    verify: (options) => verifyEvidence(db, options),
    checkpoint: async (by) => madeOf(await makeCheckpoint(deps, { wait: true, by })),
    key: () => checkpointPublicKey(deps.secrets),
  };
}

function madeOf(outcome: CheckpointOutcome): CheckpointMade {
  if (outcome.kind === 'busy') return { ok: false, cause: 'another node is at it' };
  if (outcome.kind === 'no_key') return { ok: false, cause: outcome.cause };
  const { number, at, exportedTo } = outcome.row;
  const { exportError } = outcome;
  return { ok: true, number, at, exportedTo, ...(exportError !== undefined && { exportFailure: String(exportError) }) };
}
