import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Idempotency } from '../platform/idempotency.ts';
import { sendProblem } from './answering.ts';
import { handleOnce } from './idempotency.ts';
import type { Answer, AnyOperation, Asked, Upload } from './operation.ts';
import { judgeInput } from './operation-input.ts';
import { openapiInfo } from './openapi.ts';
import { fastifySchema } from './operation-schema.ts';
import { liftBodyDeadline } from './unreadable-requests.ts';

/** Bodies are wishes, not files: vouchers are the longest. */
const bodyLimit = 2 * 1024 * 1024;

/** Registers the operations in a scope of their own, where zod judges what comes and JSON is written as it is. */
export async function operationRoutes(
  app: FastifyInstance,
  operations: readonly AnyOperation[],
  idempotency: Idempotency,
): Promise<void> {
  await app.register((api, _options, done) => {
    api.setValidatorCompiler(() => () => true);
    api.setSerializerCompiler(() => (data) => JSON.stringify(data));
    // Text is no JSON (415), whatever it holds.
    api.removeContentTypeParser('text/plain');
    takeUploads(api, operations);
    for (const of of operations)
      api.route({
        method: of.method,
        url: of.path.replace(/\{(\w+)\}/g, ':$1'),
        schema: fastifySchema(of),
        config: { access: { permission: of.permission, reach: of.reach }, uploads: of.uploads ?? [] },
        bodyLimit: of.bodyLimit ?? bodyLimit,
        handler: (request, reply) => answer(of, request, reply, idempotency),
      });
    done();
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types of files that the route takes. */
    uploads?: readonly string[];
  }
}

/** A file is handed to its handler as it comes; nothing of it is kept here. */
function takeUploads(api: FastifyInstance, operations: readonly AnyOperation[]): void {
  const types = [...new Set(operations.flatMap(({ uploads = [] }) => uploads))];
  if (types.length === 0) return;
  api.addContentTypeParser(types, (request, payload, done) => {
    if (!typesOf(request).includes(typeOf(request)))
      return done(Object.assign(new Error('no upload here'), { statusCode: 415 }));
    liftBodyDeadline(request);
    done(null, payload);
  });
}

function typesOf({ routeOptions }: FastifyRequest): readonly string[] {
  return routeOptions.config.uploads ?? [];
}

function typeOf({ headers }: FastifyRequest): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function uploadOf(of: AnyOperation, request: FastifyRequest): { upload?: Upload } | undefined {
  if (of.uploads === undefined) return {};
  const type = typeOf(request);
  return of.uploads.includes(type) ? { upload: { type, bytes: request.body as Readable } } : undefined;
}

async function answer(
  of: AnyOperation,
  request: FastifyRequest,
  reply: FastifyReply,
  idempotency: Idempotency,
): Promise<FastifyReply> {
  const { caller } = request;
  reply.header('Hems-Version', openapiInfo.info.version);
  // Cannot be: the hook answers whoever is nobody. Refusing is the default all the same.
  if (caller === null) return sendProblem(reply, 401);
  const file = uploadOf(of, request);
  if (file === undefined) return sendProblem(reply, 415, { detail: `send ${of.uploads?.join(' or ')}` });
  const judged = judgeInput(of, request);
  if (!judged.ok) return sendProblem(reply, 400, judged.problem);
  const by = { actor: { kind: caller.kind, name: `${caller.name} (${caller.keyId})` } as const };
  const asked = { ...judged.input, ...file, caller, by } as unknown as Asked<never, never, never, never>;
  return send(reply, await handleOnce(of, asked, idempotency));
}

function send(reply: FastifyReply, result: Answer): FastifyReply {
  if (result.headers !== undefined) reply.headers(result.headers);
  if ('problem' in result) return sendProblem(reply, result.status, result.problem);
  reply.code(result.status).header('Cache-Control', 'no-store');
  if ('stream' in result) return reply.type(result.type).send(streamOf(result.stream));
  return result.body === undefined ? reply.send() : reply.type('application/json; charset=utf-8').send(result.body);
}

/** Octets that wait for the network; what makes more of them waits too. */
const waiting = 64 * 1024;

function streamOf(source: AsyncIterable<Uint8Array | string>): Readable {
  return Readable.from(source, { objectMode: false, highWaterMark: waiting });
}
