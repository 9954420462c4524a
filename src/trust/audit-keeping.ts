import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AuditConfig } from '../config/schema.ts';
import type { Clock } from '../platform/clock.ts';
import { type LineExport, toAll, toFile, toSyslog } from '../platform/line-export.ts';
import type { Database } from '../platform/postgres.ts';
import { createSecretStore } from '../platform/secrets.ts';
import { readWrappingKeys } from '../platform/wrapping-keys.ts';
import { keepCheckpoints } from './checkpoints.ts';

/** Where the configuration wants signed checkpoints besides the database. */
export function checkpointExport(config: AuditConfig): LineExport | undefined {
  return toAll([
    ...(config.checkpointFile === undefined ? [] : [toFile(config.checkpointFile)]),
    ...(config.checkpointSyslog === undefined ? [] : [toSyslog(config.checkpointSyslog, 'audit-checkpoint')]),
  ]);
}

export interface AuditKeepingDeps {
  readonly config: { readonly audit: AuditConfig; readonly secretKey?: string | undefined };
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** Signs the audit on a timer. Answers how to stop it. */
export function keepAudit({ config, db, clock, logger, metrics }: AuditKeepingDeps): () => Promise<void> {
  const secrets = createSecretStore(
    db,
    config.secretKey === undefined ? undefined : readWrappingKeys(config.secretKey),
  );
  const exportTo = checkpointExport(config.audit);
  return keepCheckpoints({ db, secrets, clock, exportTo }, { logger, metrics, every: config.audit.checkpointEvery });
}
