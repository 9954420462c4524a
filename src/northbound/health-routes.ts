import type { FastifyPluginAsync } from 'fastify';
import { jsonSchema, problemSchema } from './operation-schema.ts';
import { problemContentType, problemTitle } from './problem.ts';

export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Why not; one line, no secrets. */
  readonly cause?: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly ReadinessCheck[];
}

const readinessSchema = {
  type: 'object',
  required: ['ready', 'checks'],
  additionalProperties: false,
  properties: {
    ready: { type: 'boolean' },
    checks: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'ok'],
        additionalProperties: false,
        properties: { name: { type: 'string' }, ok: { type: 'boolean' }, cause: { type: 'string' } },
      },
    },
  },
} as const;

const healthSchema = {
  type: 'object',
  required: ['status'],
  additionalProperties: false,
  properties: { status: { type: 'string', enum: ['ok'] } },
} as const;

export const problemAnswer = (status: number) => ({
  description: problemTitle(status),
  content: { [problemContentType.split(';')[0] ?? '']: { schema: jsonSchema(problemSchema, 'output') } },
});

/** What HTTP itself refuses, wherever it is said. */
export const tooLarge = { 431: problemAnswer(431) };

/** `/healthz`: the process lives (restart me if not). `/readyz`: devices can be served (route to me only if so). */
export const healthRoutes: FastifyPluginAsync<{ readiness: () => Promise<Readiness> }> = async (app, { readiness }) => {
  app.get(
    '/healthz',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        description: 'Restart it if not.',
        tags: ['operation'],
        security: [],
        response: { 200: { description: 'The process answers.', ...healthSchema }, ...tooLarge },
      },
    },
    async () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether devices can be admitted and served now',
        description: 'Send devices there only if so.',
        tags: ['operation'],
        security: [],
        response: {
          200: { description: 'Every check passes.', ...readinessSchema },
          ...tooLarge,
          503: { description: 'At least one check fails; its cause is given.', ...readinessSchema },
        },
      },
    },
    async (_request, reply) => {
      const state = await readiness();
      return reply.code(state.ready ? 200 : 503).send(state);
    },
  );
};
