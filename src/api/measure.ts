// Counts the requests of the API, and serves what was counted.
import type { FastifyInstance } from 'fastify';
import { readOpenCounts } from '#db/open-counts.ts';
import type { ApiParts } from './parts.ts';

export const metricsPath = '/metrics';

/** Nothing where there are no metrics: then no request pays for them. */
export function addMeasure(
  app: FastifyInstance,
  { metrics, settings, store }: ApiParts,
  streams: () => number,
): void {
  if (!metrics) return;
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request;
    // The template, not the path: one series for all nodes.
    const labels = { method, route: routeOptions.url ?? 'none', status: String(reply.statusCode) };
    metrics.observe('ingot_api_request_seconds', labels, reply.elapsedTime / 1000);
    done();
  });
  metrics.gauge('ingot_event_streams', () => [{ labels: {}, value: streams() }]);
  metrics.gauge('ingot_operations_open', async () => await readOpenCounts(store.read));
  if (!settings.ingot.metrics) return;
  app.route({
    method: 'GET',
    url: metricsPath,
    handler: async (_request, reply) => await reply.type(metrics.contentType).send(await metrics.text()),
  });
}
