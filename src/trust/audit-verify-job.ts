import { performance } from 'node:perf_hooks';
import { JobFailure, type JobRun, type JobWork } from '../platform/job-runner.ts';
import type { Database } from '../platform/postgres.ts';
import { parseExported } from './checkpoint.ts';
import { verifyEvidence } from './evidence-verify.ts';

/** What stands in `jobs.input`. */
export interface VerifyInput {
  /** Exported checkpoints, a line each. */
  readonly checkpoints?: readonly string[];
  /** SPKI in base64. */
  readonly publicKey?: string;
}

export const verifyJobKind = 'audit-verify';

/** Milliseconds between two notes of how far it is; each is a look whether it is still wanted, too. */
const noteEvery = 1000;

/** Reads the whole audit. The result is a Verification; one that was broken off begins anew. */
export function auditVerifyJob(db: Database): JobWork {
  return async (run) => {
    const { checkpoints, publicKey } = run.job.input as VerifyInput;
    const exported = checkpoints?.map(parseExported);
    if (exported?.includes(undefined) === true)
      throw new JobFailure('one of the checkpoints is no exported checkpoint');
    const { unchained, findings, ...counts } = await verifyEvidence(db, {
      ...(exported !== undefined && { exported: exported.flatMap((one) => one ?? []) }),
      ...(publicKey !== undefined && { publicKey: Buffer.from(publicKey, 'base64') }),
      onProgress: notes(run),
    });
    return { ...counts, unchained, findings };
  };
}

function notes(run: JobRun): (rows: number) => Promise<void> | undefined {
  let last = performance.now();
  return (rows) => {
    if (performance.now() - last < noteEvery) return undefined;
    last = performance.now();
    return run.advance({ done: rows });
  };
}
