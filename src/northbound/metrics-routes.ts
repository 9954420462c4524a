import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { sendProblem } from './answering.ts';
import { problemAnswer, tooLarge } from './health-routes.ts';

/** Where the text comes from: this process, or all of its host. */
export interface MetricsPage {
  /** Rejects where the figures cannot be had: better none than those of a part. */
  page(): Promise<string>;
}

/** `/metrics` in the Prometheus text format; labels are closed sets, so it never names a device. */
export const metricsRoutes: FastifyPluginAsync<{ metrics: MetricsPage; open: boolean; logger: Logger }> = async (
  app,
  { metrics, open, logger },
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
          503: problemAnswer(503),
          200: {
            description: 'The metrics of this node, of all its workers together, in the Prometheus text format.',
            content: { 'text/plain': { schema: { type: 'string' } } },
          },
        },
      },
    },
    async (_request, reply) => {
      const text = await metrics.page().catch((error: unknown) => {
        logger.error({ err: error }, 'there are no metrics to show');
        return undefined;
      });
      if (text === undefined) return sendProblem(reply, 503);
      return reply.type(Registry.PROMETHEUS_CONTENT_TYPE).send(text);
    },
  );
};
