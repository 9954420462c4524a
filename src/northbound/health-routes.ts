import type { FastifyPluginAsync } from 'fastify';

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

/** `/healthz`: the process lives (restart me if not). `/readyz`: devices can be served (route to me only if so). */
export const healthRoutes: FastifyPluginAsync<{ readiness: () => Promise<Readiness> }> = async (app, { readiness }) => {
  app.get(
    '/healthz',
    {
      config: { access: 'open' },
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        tags: ['operation'],
        response: { 200: { description: 'The process answers.', ...healthSchema } },
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
        tags: ['operation'],
        response: {
          200: { description: 'Every check passes.', ...readinessSchema },
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
