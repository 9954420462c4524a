import type { Logger } from 'pino';
import type { ManagementConfig } from '../../config/schema.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Egress } from '../../platform/egress/egress.ts';
import type { Database } from '../../platform/postgres.ts';
import type { PathAnchor } from '../../x509/path-anchor.ts';
import type { Revocation } from '../revocation/revocation.ts';
import { createApiKeys } from './api-keys.ts';
import { type Credentials, createCredentials } from './credentials.ts';
import { createJwks } from './jwks.ts';
import { createOidc } from './oidc.ts';
import { createStaffCertificates } from './staff-certificates.ts';

export interface AccessDeps {
  readonly management: Pick<ManagementConfig, 'oidc' | 'clientCertificates'>;
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly egress: Egress;
  readonly revocation: Pick<Revocation, 'judge'>;
  /** Of `clientCertificates`, where there are any. */
  readonly staffAnchor?: PathAnchor | undefined;
}

/** Who may use the management door, by every way that the configuration opens. */
export function assembleAccess(deps: AccessDeps): Credentials {
  const { management, clock, logger, egress, staffAnchor: anchor } = deps;
  const { oidc, clientCertificates } = management;
  const complain = (cause: string): void => logger.warn({ cause }, 'the keys of the OpenID provider cannot be had');
  return createCredentials({
    keys: createApiKeys(deps),
    ...(oidc !== undefined && {
      oidc: createOidc({
        config: oidc,
        clock,
        jwks: createJwks({ egress, clock, url: oidc.jwks, proxy: oidc.proxy, complain }),
      }),
    }),
    ...(clientCertificates !== undefined &&
      anchor !== undefined && { staff: createStaffCertificates({ ...deps, config: clientCertificates, anchor }) }),
  });
}
