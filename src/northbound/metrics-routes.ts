import type { FastifyPluginAsync } from 'fastify';
import type { Registry } from 'prom-client';
import { tooLarge } from './health-routes.ts';

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
        description: 'Labels are closed sets: a metric never names a device.',
        tags: ['operation'],
        security: open ? [] : [{ apiKey: [] }, { clientCertificate: [] }],
        response: {
          ...tooLarge,
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
