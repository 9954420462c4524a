import type { AddressInfo } from 'node:net';
import type { Server } from 'node:tls';
import swagger from '@fastify/swagger';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { Logger } from 'pino';
import { DatabaseError } from '../platform/database-error.ts';
import { sendProblem } from './answering.ts';
import { type AuthenticationDeps, requireAuthentication } from './authentication.ts';
import { clientCertificateOptions, keepChains } from './client-chain.ts';
import { documentationRoutes } from './documentation/documentation-routes.ts';
import { healthRoutes, type Readiness } from './health-routes.ts';
import { type MetricsPage, metricsRoutes } from './metrics-routes.ts';
import { openapiInfo } from './openapi.ts';
import { answerWhatIsNotThere } from './not-there.ts';
import type { ProblemWords } from './problem.ts';
import { operationRoutes } from './operation-routes.ts';
import { apiOperations } from './resources/all.ts';
import type { ApiDeps } from './resources/deps.ts';
import { limitBodies, longestUpload, refuseUnreadable } from './unreadable-requests.ts';

export interface ManagementDoorDeps {
  readonly logger: Logger;
  readonly metrics: MetricsPage;
  /** Asked at each `/readyz`; must answer within its own time limit and never throw. */
  readonly readiness: () => Promise<Readiness>;
  readonly authentication: AuthenticationDeps;
  readonly api: ApiDeps;
  /** `/metrics` answers without a key. */
  readonly openMetrics: boolean;
  /** The contract is shown without a key. */
  readonly openDocumentation?: boolean;
  /** PEM; without it the door speaks plain HTTP, and then only on loopback. */
  readonly tls?: ServerPair | undefined;
}

export interface ServerPair {
  readonly cert: string;
  readonly key: string;
}

export interface ManagementDoor {
  /** Binds and answers the URL; a busy port or a foreign address throws what `listen` threw. */
  listen(bind: { address: string; port: number; reusePort?: boolean }): Promise<string>;
  /** New connections get this certificate. Throws what OpenSSL throws, and keeps the old one. */
  renew(tls: ServerPair): void;
  close(): Promise<void>;
}

/** Nothing outside the API reads a body of more than this many bytes. */
const bodyLimit = 1024;

/** Builds the door without binding it; also what `openapi.yaml` is generated from. */
export async function buildManagementDoor(deps: ManagementDoorDeps): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit,
    requestTimeout: longestUpload,
    connectionTimeout: 30_000,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    // Fastify's own words for a URL or a request that cannot be read are no problem documents, and repeat the URL.
    frameworkErrors: (_error, _request, reply) => void sendProblem(reply, 400),
    clientErrorHandler: refuseUnreadable,
    ...transport(deps),
  });
  if (asksForCertificates(deps)) keepChains(app.server as unknown as Server);
  await app.register(swagger, { openapi: openapiInfo });
  limitBodies(app);
  requireAuthentication(app, deps.authentication);
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const own = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500;
    const status = isAway(error) ? 503 : own;
    if (status >= 500) deps.logger.error({ err: error }, 'a management request failed');
    return sendProblem(reply.header('Hems-Version', openapiInfo.info.version), status, bodyFaults[error.code]);
  });
  const operations = apiOperations(deps.api);
  answerWhatIsNotThere(app, operations);
  await app.register(healthRoutes, { readiness: deps.readiness });
  await app.register(metricsRoutes, { ...deps, open: deps.openMetrics });
  await operationRoutes(app, operations, deps.api.idempotency);
  documentationRoutes(app, deps.openDocumentation ?? false);
  await app.ready();
  return app;
}

/** What can be said of a body that never came to an operation. */
const bodyFaults: Readonly<Record<string, ProblemWords>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: { in: 'body', detail: 'is no JSON' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { in: 'body', detail: 'is empty' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { in: 'header', field: 'Content-Type', detail: 'send application/json' },
  FST_ERR_CTP_BODY_TOO_LARGE: { in: 'body', detail: 'is too long' },
};

function asksForCertificates({ tls, authentication }: ManagementDoorDeps): boolean {
  return tls !== undefined && authentication.credentials.certificate !== undefined;
}

/** TLS 1.2 at least; with a client that is no browser nothing older is owed. */
function tlsOptions(deps: ManagementDoorDeps, pair: ServerPair) {
  return {
    ...pair,
    ...(asksForCertificates(deps) ? { ...clientCertificateOptions, ca: [] } : {}),
    minVersion: 'TLSv1.2' as const,
  };
}

/** The headers hold a token of an OpenID provider, which may be of some kilobytes. */
function transport(deps: ManagementDoorDeps) {
  const http = { maxHeaderSize: 16_384, headersTimeout: 5000 };
  if (deps.tls === undefined) return { http };
  return { https: { ...http, ...tlsOptions(deps, deps.tls), handshakeTimeout: 10_000 } as const };
}

/** A database that is away is no defect of ours, and passes. */
function isAway(error: unknown): boolean {
  return error instanceof DatabaseError;
}

export async function createManagementDoor(deps: ManagementDoorDeps): Promise<ManagementDoor> {
  const app = await buildManagementDoor(deps);
  return {
    listen: async ({ address, port, reusePort = false }) => {
      // Fastify hands on to node:net what it does not know itself.
      await app.listen(Object.assign({ host: address, port }, { reusePort }));
      const bound = app.server.address() as AddressInfo;
      const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
      return `${deps.tls === undefined ? 'http' : 'https'}://${host}:${bound.port}`;
    },
    renew: (tls) => (app.server as unknown as Server).setSecureContext(tlsOptions(deps, tls)),
    close: () => app.close(),
  };
}
