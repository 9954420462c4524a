import type { FastifyPluginAsync } from 'fastify';
import type { Registry } from 'prom-client';

/** `/metrics` in the Prometheus text format; labels are closed sets, so it never names a device. */
export const metricsRoutes: FastifyPluginAsync<{ metrics: Registry; open: boolean }> = async (
  app,
  { metrics, open },
) => {
  app.get(
    '/metrics',
    {
      config: { access: open ? 'open' : { permission: 'metrics:read', reach: 'installation' } },
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus',
        tags: ['operation'],
        response: {
          200: {
            description: 'The metrics of this node in the Prometheus text format.',
            content: { 'text/plain': { schema: { type: 'string' } } },
          },
        },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  );
};
