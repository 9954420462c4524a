import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { By } from '../fleet/register.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database, Queryable } from '../platform/postgres.ts';
import type { SecretStore } from '../platform/secrets.ts';
import { insertAccessChange } from './access/api-keys-queries.ts';
import { checkpointKey, exportedLine, newCheckpointKey, publicKeyOf, signCheckpoint } from './checkpoint.ts';
import * as queries from './evidence-queries.ts';
import { hostGauge } from '../platform/host-gauge.ts';

/** Takes a checkpoint out of the house; answers where it lies. Rejects when it does not. */
export type CheckpointExport = (line: string) => Promise<string>;

export interface CheckpointDeps {
  readonly db: Database;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  /** Absent: checkpoints stay in the database, where the owner of the database could replace them. */
  readonly exportTo?: CheckpointExport | undefined;
}

export type CheckpointOutcome =
  | { readonly kind: 'made'; readonly row: queries.CheckpointRow; readonly exportError?: unknown }
  /** Another node is at it. */
  | { readonly kind: 'busy' }
  /** HEMS_SECRET_KEY is missing, or not the one that wrapped the signing key. */
  | { readonly kind: 'no_key'; readonly cause: string };

const keyName = 'audit-checkpoint-key';

export type CheckpointPublicKey =
  | { readonly ok: true; readonly publicKey: Buffer }
  | { readonly ok: false; readonly cause: string };

/** The signing key of this installation, made at the first call; SPKI DER of its public half. */
export async function checkpointPublicKey(secrets: SecretStore): Promise<CheckpointPublicKey> {
  const key = await signingKey(secrets);
  return 'cause' in key ? { ok: false, cause: key.cause } : { ok: true, publicKey: publicKeyOf(key.key) };
}

async function signingKey(secrets: SecretStore) {
  const found = await secrets.ensure(keyName, newCheckpointKey);
  switch (found.kind) {
    case 'found':
      return { key: checkpointKey(found.secret) };
    case 'no_key':
    case 'missing':
      return { cause: 'HEMS_SECRET_KEY is not set, so no signing key can be kept' };
    case 'not_readable':
      return { cause: `the signing key is wrapped by the key ${found.keyId}, which is not in HEMS_SECRET_KEY` };
  }
}

/** Signs where every chain ends now, takes a copy out, and keeps it. `wait`: for the turn of another node to end. */
export async function makeCheckpoint(
  deps: CheckpointDeps,
  /** `by`: a person wants it; that is in the audit, and the first that it covers. */
  options: { wait?: boolean; by?: By } = {},
): Promise<CheckpointOutcome> {
  const key = await signingKey(deps.secrets);
  if (key.cause !== undefined) return { kind: 'no_key', cause: key.cause };
  return deps.db.transaction(async (tx) => {
    if (options.wait === true) await tx.query(queries.checkpointTurn);
    else if (!(await isOurTurn(tx))) return { kind: 'busy' };
    const before = (await tx.query<queries.CheckpointRow>(queries.lastCheckpoint)).rows[0];
    if (options.by !== undefined) {
      const subject = String(Number(before?.number ?? 0) + 1);
      const change = { at: deps.clock.now(), action: 'checkpoint_made', subject, ...options.by } as const;
      await tx.query(insertAccessChange(change));
    }
    const heads = (await tx.query<queries.HeadRow>(queries.chainHeads)).rows;
    const dropped = (await tx.query<queries.DroppedRow>(queries.droppedRanges)).rows;
    const signed = signCheckpoint(key.key, { at: deps.clock.now(), before, heads, dropped });
    let exportError: unknown;
    const exportedTo = await deps.exportTo?.(exportedLine(signed)).catch((error: unknown) => {
      exportError = error;
      return undefined;
    });
    const row = { ...signed, exportedTo: exportedTo ?? null };
    await tx.query(queries.insertCheckpoint(row));
    return { kind: 'made', row, ...(exportError !== undefined && { exportError }) };
  });
}

async function isOurTurn(tx: Queryable): Promise<boolean> {
  const { rows } = await tx.query<{ mine: boolean }>(queries.tryCheckpointTurn);
  return rows[0]?.mine === true;
}

export interface CheckpointTimer {
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Milliseconds between two checkpoints. */
  readonly every: number;
}

/** Makes checkpoints on a timer. Answers how to stop it, and makes a last one then. */
export function keepCheckpoints(
  deps: CheckpointDeps,
  { logger, metrics, every }: CheckpointTimer,
): () => Promise<void> {
  if (!deps.secrets.hasKey) {
    logger.warn('the audit is chained but not signed: HEMS_SECRET_KEY is not set');
    return () => Promise.resolve();
  }
  const failures = new Counter({
    name: 'hems_trust_checkpoint_failures_total',
    help: 'Checkpoints of the audit that could not be signed, kept or exported',
    registers: [metrics],
  });
  const last = hostGauge({
    name: 'hems_trust_checkpoint_timestamp_seconds',
    help: 'When this node last signed a checkpoint of the audit',
    aggregator: 'max',
    registers: [metrics],
  });
  const run = async (): Promise<void> => {
    try {
      const outcome = await makeCheckpoint(deps);
      if (outcome.kind === 'made') last.set(outcome.row.at.getTime() / 1000);
      const cause = outcome.kind === 'no_key' ? outcome.cause : undefined;
      const error = outcome.kind === 'made' ? outcome.exportError : undefined;
      if (cause === undefined && error === undefined) return;
      failures.inc();
      logger.error({ err: error, cause }, 'a checkpoint of the audit could not be signed or exported');
    } catch (error) {
      failures.inc();
      logger.error({ err: error }, 'no checkpoint of the audit could be made');
    }
  };
  const timer = setInterval(() => void run(), every).unref();
  const started = run();
  return async () => {
    clearInterval(timer);
    await started;
    await run();
  };
}
