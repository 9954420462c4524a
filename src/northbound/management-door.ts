import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { healthRoutes, type Readiness } from './health-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { openapiInfo } from './openapi.ts';
import { problem, problemContentType } from './problem.ts';

export interface ManagementDoorDeps {
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Asked at each `/readyz`; must answer within its own time limit and never throw. */
  readonly readiness: () => Promise<Readiness>;
}

export interface ManagementDoor {
  /** Binds and answers the URL; a busy port or a foreign address throws what `listen` threw. */
  listen(bind: { address: string; port: number }): Promise<string>;
  close(): Promise<void>;
}

/** Nothing here reads a body of more than this many bytes. */
const bodyLimit = 1024;

/** Builds the door without binding it; also what `openapi.yaml` is generated from. */
export async function buildManagementDoor(deps: ManagementDoorDeps): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    http: { maxHeaderSize: 8192, headersTimeout: 5000 },
  });
  await app.register(swagger, { openapi: openapiInfo });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500;
    if (status === 500) deps.logger.error({ err: error }, 'a management request failed');
    return reply.code(status).type(problemContentType).send(problem(status));
  });
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .type(problemContentType)
      .send(problem(404, 'This door answers GET /metrics, /healthz and /readyz.')),
  );
  await app.register(healthRoutes, { readiness: deps.readiness });
  await app.register(metricsRoutes, { metrics: deps.metrics });
  await app.ready();
  return app;
}

export async function createManagementDoor(deps: ManagementDoorDeps): Promise<ManagementDoor> {
  const app = await buildManagementDoor(deps);
  return {
    listen: async ({ address, port }) => {
      await app.listen({ host: address, port });
      const bound = app.server.address() as AddressInfo;
      const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
      return `http://${host}:${bound.port}`;
    },
    close: () => app.close(),
  };
}
