import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './answering.ts';
import type { Answer, AnyOperation, Asked } from './operation.ts';
import { judgeInput } from './operation-input.ts';
import { fastifySchema } from './operation-schema.ts';

/** Bodies are wishes, not files: vouchers are the longest. */
const bodyLimit = 2 * 1024 * 1024;

/** Registers the operations in a scope of their own, where zod judges what comes and JSON is written as it is. */
export async function operationRoutes(app: FastifyInstance, operations: readonly AnyOperation[]): Promise<void> {
  await app.register((api, _options, done) => {
    api.setValidatorCompiler(() => () => true);
    api.setSerializerCompiler(() => (data) => JSON.stringify(data));
    for (const of of operations)
      api.route({
        method: of.method,
        url: of.path.replace(/\{(\w+)\}/g, ':$1'),
        schema: fastifySchema(of),
        config: { access: { permission: of.permission, reach: of.reach } },
        bodyLimit,
        handler: (request, reply) => answer(of, request, reply),
      });
    done();
  });
}

async function answer(of: AnyOperation, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { caller } = request;
  // Cannot be: the hook answers whoever is nobody. Refusing is the default all the same.
  if (caller === null) return sendProblem(reply, 401);
  const judged = judgeInput(of, request);
  if (!judged.ok) return sendProblem(reply, 400, judged.problem);
  const by = { actor: { kind: caller.kind, name: `${caller.name} (${caller.keyId})` } as const };
  const asked = { ...judged.input, caller, by } as unknown as Asked<never, never, never, never>;
  return send(reply, await of.handle(asked));
}

function send(reply: FastifyReply, result: Answer): FastifyReply {
  if ('problem' in result) return sendProblem(reply, result.status, result.problem);
  reply.code(result.status).header('Cache-Control', 'no-store');
  if (result.headers !== undefined) reply.headers(result.headers);
  return result.body === undefined ? reply.send() : reply.type('application/json; charset=utf-8').send(result.body);
}
