import type { AddressInfo, Socket } from 'node:net';
import swagger from '@fastify/swagger';
import { type FastifyError, type FastifyInstance, type FastifyReply, fastify } from 'fastify';
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
    // Fastify's own words for a URL or a request that cannot be read are no problem documents, and repeat the URL.
    frameworkErrors: (_error, _request, reply) => void sendProblem(reply, 400),
    clientErrorHandler: refuseUnreadable,
    http: { maxHeaderSize: 8192, headersTimeout: 5000 },
  });
  await app.register(swagger, { openapi: openapiInfo });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500;
    if (status === 500) deps.logger.error({ err: error }, 'a management request failed');
    return sendProblem(reply, status);
  });
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, 404, 'This door answers GET /metrics, /healthz and /readyz.'),
  );
  await app.register(healthRoutes, { readiness: deps.readiness });
  await app.register(metricsRoutes, { metrics: deps.metrics });
  await app.ready();
  return app;
}

function sendProblem(reply: FastifyReply, status: number, detail?: string): FastifyReply {
  return reply.code(status).type(problemContentType).send(problem(status, detail));
}

const unreadable: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** What is no HTTP, or comes too slowly, never reaches a route. */
function refuseUnreadable({ code }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer = problem(unreadable[code ?? ''] ?? 400);
  const body = JSON.stringify(answer);
  const head = [
    `HTTP/1.1 ${answer.status} ${answer.title}`,
    `Content-Type: ${problemContentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
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
