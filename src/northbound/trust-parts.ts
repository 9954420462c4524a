import type { Logger } from 'pino';
import type { AuditConfig } from '../config/schema.ts';
import { countUnkeptCertificates, readShownPaths } from '../fleet/shown-certificates.ts';
import type { Clock } from '../platform/clock.ts';
import type { Egress } from '../platform/egress/egress.ts';
import type { Database } from '../platform/postgres.ts';
import { createSecretStore } from '../platform/secrets.ts';
import { readWrappingKeys } from '../platform/wrapping-keys.ts';
import type { TrustAnchor } from '../trust/anchors.ts';
import { createAuditDesk } from '../trust/audit-desk.ts';
import { checkpointExport } from '../trust/audit-keeping.ts';
import { surveyCertificates } from '../trust/certificate-survey.ts';
import { createDecisionReading } from '../trust/decision-reading.ts';
import { readCrl } from '../trust/revocation/crl-reader.ts';
import { createRevocationDesk } from '../trust/revocation/revocation-desk.ts';
import type { PathAnchor } from '../x509/path-anchor.ts';
import type { ApiDeps, ServerCertificateState } from './resources/deps.ts';

export interface TrustParts {
  readonly config: { readonly audit?: AuditConfig | undefined; readonly secretKey?: string | undefined };
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly anchors: readonly TrustAnchor[];
  /** Of people's certificates. */
  readonly staffAnchor?: PathAnchor | undefined;
  /** To fetch the CRLs that a policy names before it is weighed. */
  readonly egress?: Egress | undefined;
  readonly serverCertificates?: (() => readonly ServerCertificateState[]) | undefined;
}

/** What the API knows of trust. */
export function trustOf(
  deps: TrustParts,
): Pick<ApiDeps, 'decisions' | 'audit' | 'desk' | 'survey' | 'serverCertificates'> {
  const { config, db, clock, logger, anchors, staffAnchor, egress, serverCertificates = () => [] } = deps;
  const secrets = createSecretStore(
    db,
    config.secretKey === undefined ? undefined : readWrappingKeys(config.secretKey),
  );
  const exportTo = config.audit === undefined ? undefined : checkpointExport(config.audit);
  const complain = (error: unknown, message: string): void => logger.error({ err: error }, message);
  const paths = [...anchors.map(({ path }) => path), ...(staffAnchor === undefined ? [] : [staffAnchor])];
  return {
    decisions: createDecisionReading(db),
    audit: createAuditDesk({ db, clock, secrets, exportTo }),
    desk: createRevocationDesk({ db, clock, anchors: paths, readCrl, complain, ...(egress && { egress }) }),
    survey: async (otherwise) => {
      const known = new Map(anchors.map(({ name, path }) => [name, path]));
      const unkept = await countUnkeptCertificates(db);
      return { anchors: await surveyCertificates(readShownPaths(db), known, otherwise), unkept };
    },
    serverCertificates,
  };
}
