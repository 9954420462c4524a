import type { Queryable } from '../../platform/postgres.ts';
import type { CertificatePath } from '../../x509/path.ts';
import type { Verdict } from '../verdict.ts';
import { quarantine } from './list-queries.ts';

/** Keeps what a person may release; the refusal stands whether it could be kept or not. */
export type QuarantineKeeper = (deviceId: string, path: CertificatePath, verdict: Verdict, at: Date) => Promise<void>;

export function createQuarantineKeeper(db: Queryable): QuarantineKeeper {
  return async (deviceId, { leaf: { fingerprint } }, verdict, at) => {
    if (verdict.outcome !== 'quarantine') return;
    const { cause, detail, version } = verdict;
    await db.query(quarantine({ deviceId, fingerprint, at, cause, detail, version }));
  };
}
