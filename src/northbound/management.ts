import { createSecureContext } from 'node:tls';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.ts';
import { findChanges } from '../fleet/change-search.ts';
import { isInGroup } from '../fleet/groups.ts';
import { fileDesk } from '../fleet/files/file-desk.ts';
import { auditVerifyJob, verifyJobKind } from '../trust/audit-verify-job.ts';
import { createFleetJobs, startFleetJobs } from '../fleet/jobs/fleet-jobs.ts';
import { createParameterReading } from '../fleet/parameter-reading.ts';
import { createOverviews } from '../fleet/overview.ts';
import { createRegister } from '../fleet/register.ts';
import { createSessionListing } from '../fleet/session-listing.ts';
import { findTasks } from '../fleet/task-search.ts';
import { createTraces } from '../fleet/traces.ts';
import { createTaskDesk } from '../fleet/task-desk.ts';
import { createIdempotency, sweepKeys } from '../platform/idempotency.ts';
import { isLoopback } from '../platform/loopback.ts';
import { createApiKeys } from '../trust/access/api-keys.ts';
import { type Credentials, createCredentials } from '../trust/access/credentials.ts';
import { judgeClauses } from '../trust/compliance/clauses.ts';
import type { Standing } from '../trust/compliance/standing.ts';
import { readStatus } from '../trust/compliance/status.ts';
import { countDecisions, findDecisions } from '../trust/decision-search.ts';
import { releaseDevice } from '../trust/revocation/list-store.ts';
import { createManagementDoor, type ServerPair } from './management-door.ts';
import { createRateLimit } from './rate-limit.ts';
import { pingOf, readiness } from './readiness.ts';
import type { ApiDeps } from './resources/deps.ts';
import { type TrustParts, trustOf } from './trust-parts.ts';

export interface ManagementDeps extends TrustParts {
  readonly config: Pick<Config, 'management' | 'anchors' | 'connectionRequests' | 'secretKey' | 'files'> &
    TrustParts['config'];
  readonly metrics: Registry;
  /** Absent: the port is this process's alone, and so are the metrics that it shows. */
  readonly host?: { page(): Promise<string> };
  /** Default: API keys alone. */
  readonly credentials?: Credentials;
  readonly standing: Standing;
  /** Resolves with the text; rejects as node:fs does. */
  readonly readFile: (path: string) => Promise<string>;
}

export interface Management {
  /** Binds and answers the URL; a busy port or a foreign address throws what `listen` threw. */
  listen(): Promise<string>;
  /** Reads the certificate again; what cannot be used is logged, and the old one goes on serving. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** The certificate of the management door cannot be used. */
export class ManagementCertificateFault extends Error {
  override readonly name = 'ManagementCertificateFault';
}

/** Requests without a good key that one address may make in a minute. */
const failuresPerMinute = 120;

/** The management door with everything that it stands on. Throws ManagementCertificateFault. */
export async function createManagement(deps: ManagementDeps): Promise<Management> {
  const { db, clock, logger, metrics, host } = deps;
  const { management } = deps.config;
  const tls = await readPair(deps);
  const runner = startFleetJobs({ ...deps, further: { [verifyJobKind]: auditVerifyJob(db) } });
  const sweeper = sweepKeys(deps);
  const api = { ...apiOf(deps), kickJobs: runner.kick };
  const door = await createManagementDoor({
    ...{ logger, metrics: host ?? { page: () => metrics.metrics() }, api, tls },
    openDocumentation: (management.documentation ?? (isLoopback(management.address) ? 'open' : 'key')) === 'open',
    openMetrics: (management.metrics ?? (isLoopback(management.address) ? 'open' : 'key')) === 'open',
    readiness: () => readiness(pingOf(db)),
    authentication: {
      credentials: deps.credentials ?? createCredentials(api),
      inGroup: (deviceId, group) => isInGroup(db, deviceId, group),
      requests: createRateLimit(clock, management.requestsPerMinute),
      failures: createRateLimit(clock, failuresPerMinute),
    },
  });
  return {
    listen: () => door.listen({ ...management, reusePort: host !== undefined }),
    reload: async () => {
      try {
        const pair = await readPair(deps);
        if (pair !== undefined) door.renew(pair);
      } catch (error) {
        logger.error({ err: error }, 'the management certificate is not taken up');
      }
    },
    close: async () => {
      await door.close();
      await Promise.all([runner.stop(), sweeper.stop()]);
    },
  };
}

function apiOf(deps: ManagementDeps): Omit<ApiDeps, 'kickJobs'> {
  const { db, clock, logger, anchors, config, standing } = deps;
  const { tasks, connectionRequests } = createTaskDesk({ db, clock, config });
  return {
    register: createRegister({ db, clock }),
    ...{ tasks, connectionRequests, wakeForTasks: config.connectionRequests.forTasks },
    ...fileDesk({ db, clock, config }),
    parameters: createParameterReading({ db, clock }),
    ...{
      sessions: createSessionListing(db),
      traces: createTraces({ db, clock }),
      overviews: createOverviews({ db, clock }),
    },
    findTasks: (search, limit) => findTasks(db, search, limit),
    countDecisions: (table, filter, by) => countDecisions(db, table, filter, by),
    ...{ clock, idempotency: createIdempotency({ db, clock, logger }) },
    jobs: createFleetJobs({ db, clock }),
    keys: createApiKeys({ db, clock }),
    release: (deviceId, until, by) => releaseDevice(db, deviceId, until, by, clock.now()),
    anchors,
    findDecisions: (table, filter, page) => findDecisions(db, table, filter, page),
    findChanges: (filter, page) => findChanges(db, filter, page),
    inGroup: (deviceId, group) => isInGroup(db, deviceId, group),
    status: () => readStatus(db, clock.now()),
    clauses: () => judgeClauses(standing.deviations()),
    ...trustOf(deps),
  };
}

async function readPair({ config, readFile }: ManagementDeps): Promise<ServerPair | undefined> {
  const { tls } = config.management;
  if (tls === undefined) return undefined;
  try {
    const [cert, key] = await Promise.all([readFile(tls.chain), readFile(tls.key)]);
    createSecureContext({ cert, key });
    return { cert, key };
  } catch (error) {
    throw new ManagementCertificateFault(error instanceof Error ? error.message : String(error));
  }
}
