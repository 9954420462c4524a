import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { Logger } from 'pino';
import type { LimitsConfig } from '../config/schema.ts';
import type { FileDoor } from '../fleet/files/file-door.ts';
import type { Admission, Gate } from '../trust/admission.ts';
import type { DoorMetrics } from './door-metrics.ts';
import type { FileMetrics } from './file-metrics.ts';
import { authorizationPasses, cwmp, cwmpPath, type Hall, pathOf, refuse } from './http-cwmp.ts';
import { type FileHall, filesPath, serveFiles } from './http-files.ts';
import { createDeviceConnections } from './device-bounds.ts';
import { answerParser, newServer } from './http-server.ts';
import type { DoorConnection, SessionRunner } from './session-runner.ts';

export interface HttpDeps {
  readonly limits: LimitsConfig;
  readonly gate: Gate;
  readonly runner: SessionRunner;
  readonly logger: Logger;
  readonly metrics: DoorMetrics;
  readonly files?: FileDoor | undefined;
  readonly fileMetrics: FileMetrics;
}

export interface Http {
  /** Hands over the socket of an admitted client: from here on, and not before, its bytes are read as HTTP. */
  open(socket: Socket, admission: Admission): void;
  /** Ends the connections whose admission no longer stands; how many. */
  closeWhere(match: (admission: Admission) => boolean): number;
  /** Lets answers that are under way go out, for at most so many milliseconds. */
  close(grace: number): Promise<void>;
}

export async function createHttp(deps: HttpDeps): Promise<Http> {
  const hall: FileHall = {
    ...deps,
    files: deps.files,
    connections: new Map(),
    expecting: new WeakSet(),
    closing: false,
  };
  const { server, app } = build(hall, deps.limits);
  const ofDevices = createDeviceConnections(deps.limits.connectionsPerDevice);
  const isIdle = (socket: Socket): boolean => hall.connections.get(socket)?.busy === false;
  await app.ready();
  // An http.Server that never listens enforces its time-outs only once it is told that it does.
  server.emit('listening');
  return {
    open: (socket, admission) => {
      const connection: DoorConnection = {
        admission,
        session: undefined,
        turn: Promise.resolve(),
        waiting: 0,
        busy: false,
      };
      hall.connections.set(socket, connection);
      socket.once('close', () => {
        hall.connections.delete(socket);
        ofDevices.remove(admission.deviceId, socket);
        hall.runner.disconnected(connection);
        hall.gate.released(admission);
      });
      server.emit('connection', socket);
      const doomed = ofDevices.add(admission.deviceId, socket, isIdle);
      if (doomed === undefined) return;
      hall.gate.refuseSession(admission, 'rate_limited', 'too_many_connections');
      doomed.destroy();
    },
    closeWhere: (match) => {
      const doomed = [...hall.connections].filter(([, { admission }]) => match(admission));
      for (const [socket] of doomed) socket.destroy();
      return doomed.length;
    },
    close: (grace) => close(hall, server, app, grace),
  };
}

async function close(hall: Hall, server: Server, app: FastifyInstance, grace: number): Promise<void> {
  // Who has an answer under way learns with it that it is the last.
  hall.closing = true;
  server.close();
  for (const [socket, { busy }] of hall.connections) if (!busy) socket.destroySoon();
  const gone = [...hall.connections.keys()].map((socket) => new Promise((done) => socket.once('close', done)));
  const patience = setTimeout(() => {
    for (const socket of hall.connections.keys()) socket.destroy();
  }, grace);
  await Promise.all(gone);
  clearTimeout(patience);
  await app.close();
}

/** Fastify routes whatever is neither a CWMP message nor a file: refusals alone. */
function build(hall: FileHall, limits: LimitsConfig): { server: Server; app: FastifyInstance } {
  let server: Server | undefined;
  const answerRefusal = (reply: FastifyReply, status: number): void => {
    reply.hijack();
    refuse(hall, reply.raw, status);
  };
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    frameworkErrors: (_error, _request, reply) => answerRefusal(reply, 404),
    clientErrorHandler: (error, socket) => {
      const status = answerParser(error, socket);
      if (status !== undefined) hall.metrics.request(status);
    },
    serverFactory: (route) => {
      server = newServer(limits, hall.files?.limits.transferTime ?? 0, hall.expecting, (request, response) => {
        const path = pathOf(request);
        if (request.method === 'POST' && path === cwmpPath) void cwmp(hall, request, response);
        else if (path.startsWith(filesPath)) void serveFiles(hall, request, response);
        else route(request, response);
      });
      return server;
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  app.addHook('onRequest', (request, reply, done) => {
    // Fastify refuses media types that it cannot read; CPEs send such.
    delete request.raw.headers['content-type'];
    if (authorizationPasses(hall, request.raw)) done();
    else answerRefusal(reply, 403);
  });
  app.setNotFoundHandler((request, reply) => answerRefusal(reply, pathOf(request.raw) === cwmpPath ? 405 : 404));
  app.setErrorHandler((error, _request, reply) => {
    hall.logger.error({ err: error }, 'a request failed');
    answerRefusal(reply, 500);
  });
  if (server === undefined) throw new Error('Fastify made no server');
  return { server, app };
}
