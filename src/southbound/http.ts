import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Logger } from 'pino';
import type { LimitsConfig } from '../config/schema.ts';
import type { Admission, Gate } from '../trust/admission.ts';
import type { DoorMetrics } from './door-metrics.ts';
import { readBody } from './http-body.ts';
import { answerParser, newServer } from './http-server.ts';
import type { CwmpAnswer } from './session-conversation.ts';
import type { DoorConnection, SessionRunner } from './session-runner.ts';
import type { DoorDetail } from './tls-failure.ts';

export interface HttpDeps {
  readonly limits: LimitsConfig;
  readonly gate: Gate;
  readonly runner: SessionRunner;
  readonly logger: Logger;
  readonly metrics: DoorMetrics;
}

export interface Http {
  /** Hands over the socket of an admitted client: from here on, and not before, its bytes are read as HTTP. */
  open(socket: Socket, admission: Admission): void;
  /** Ends the connections whose admission no longer stands; how many. */
  closeWhere(match: (admission: Admission) => boolean): number;
  /** Lets answers that are under way go out, for at most so many milliseconds. */
  close(grace: number): Promise<void>;
}

interface Hall extends HttpDeps {
  readonly connections: Map<Socket, DoorConnection>;
  /** Requests that wait for 100 Continue, until their body is wanted. */
  readonly expecting: WeakSet<IncomingMessage>;
  closing: boolean;
}

/** Where devices call. */
export const cwmpPath = '/cwmp';

const cookieName = 'hems';

export async function createHttp(deps: HttpDeps): Promise<Http> {
  const hall: Hall = { ...deps, connections: new Map(), expecting: new WeakSet(), closing: false };
  const { server, app } = build(hall);
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
        hall.gate.released(admission);
      });
      server.emit('connection', socket);
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

function build(hall: Hall): { server: Server; app: FastifyInstance } {
  const { limits } = hall;
  let server: Server | undefined;
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 100 },
    frameworkErrors: (_error, _request, reply) => refuse(hall, reply, 404),
    clientErrorHandler: (error, socket) => {
      const status = answerParser(error, socket);
      if (status !== undefined) hall.metrics.request(status);
    },
    serverFactory: (handler) => {
      server = newServer(limits, hall.expecting, handler);
      return server;
    },
  });
  app.removeAllContentTypeParsers();
  // The body is read by the route itself, bounded, as bytes.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  app.addHook('onRequest', (request, reply, done) => {
    // Fastify refuses media types that it cannot read; CPEs send such, and it is the charset alone that counts.
    const { headers } = request.raw;
    request.charset = charsetOf(headers['content-type']);
    delete headers['content-type'];
    if (headers.authorization === undefined) done();
    else authorization(hall, request, reply, done);
  });
  app.decorateRequest('charset', undefined);
  app.post(cwmpPath, (request, reply) => cwmp(hall, request, reply));
  app.setNotFoundHandler((request, reply) => refuse(hall, reply, pathOf(request) === cwmpPath ? 405 : 404));
  app.setErrorHandler((error, _request, reply) => {
    hall.logger.error({ err: error }, 'a request failed');
    return refuse(hall, reply, 500);
  });
  if (server === undefined) throw new Error('Fastify made no server');
  return { server, app };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The charset parameter of Content-Type, without quotes. */
    charset: string | undefined;
  }
}

const pathOf = ({ raw }: FastifyRequest): string => raw.url?.split('?', 1)[0] ?? '';

function charsetOf(contentType: string | undefined): string | undefined {
  return /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType ?? '')?.[1];
}

/** RFC 6265, and the quotes of RFC 2965 that older CPEs still write. */
function cookieOf(header: string | undefined): string | undefined {
  return /(?:^|[;,]\s*)hems="?([\w-]{1,64})/.exec(header ?? '')?.[1];
}

/** No body, no reason, and never a challenge: TS 33.320 8.3.4 knows no other authentication than the certificate. */
function refuse({ metrics }: Hall, reply: FastifyReply, status: number): FastifyReply {
  metrics.request(status);
  return reply.code(status).header('connection', 'close').send();
}

function schemeOf(header: string): DoorDetail {
  const scheme = /^\s*([a-z]+)/i.exec(header)?.[1]?.toLowerCase();
  if (scheme === 'basic') return 'authorization_basic';
  return scheme === 'digest' ? 'authorization_digest' : 'authorization_other';
}

/** What an admitted client sends in Authorization is neither checked nor kept: only that it sent some. */
function authorization(hall: Hall, request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const connection = hall.connections.get(request.raw.socket);
  const detail = schemeOf(request.raw.headers.authorization ?? '');
  delete request.raw.headers.authorization;
  if (connection?.admission.sharedSecret === 'ignore') {
    hall.metrics.sharedSecretIgnored();
    done();
    return;
  }
  // TS 33.320 8.3.4: shared-secret-based authentication between H(e)NB and H(e)MS shall not be used.
  if (connection !== undefined) hall.gate.refuseSession(connection.admission, 'shared_secret_attempt', detail);
  refuse(hall, reply, 403);
}

async function cwmp(hall: Hall, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const connection = hall.connections.get(request.raw.socket);
  // Cannot be: only sockets with an admission are emitted into this server. If it is, nothing is read.
  if (connection === undefined) return refuse(hall, reply, 403);
  connection.busy = true;
  try {
    return await serve(hall, connection, request, reply);
  } finally {
    connection.busy = connection.waiting > 0;
  }
}

async function serve(
  hall: Hall,
  connection: DoorConnection,
  { raw, charset }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const cookie = cookieOf(raw.headers.cookie);
  const read = await readBody(raw, hall.runner.bodyLimit(connection, cookie), () => {
    if (hall.expecting.has(raw)) reply.raw.writeContinue();
  });
  if (!read.ok) {
    if (read.status !== 'gone') return refuse(hall, reply, read.status);
    reply.hijack();
    return reply;
  }
  return answer(hall, reply, await hall.runner.post(connection, { cookie, body: read.body, charset }));
}

function answer(hall: Hall, reply: FastifyReply, { status, xml, cookie, close, retryAfter }: CwmpAnswer) {
  hall.metrics.request(status);
  reply.code(status);
  if (cookie !== undefined) reply.header('set-cookie', `${cookieName}=${cookie}; Path=/; Secure; HttpOnly`);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  if (close === true || hall.closing) reply.header('connection', 'close');
  if (xml === undefined) return reply.send();
  return reply.header('content-type', 'text/xml; charset=utf-8').send(xml);
}
