// A span for each request of the API, within the trace that its caller told of.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Span, Tracer } from '#telemetry/tracing.ts';
import { bootMediaPath } from './boot-media/boot-media.ts';
import { healthcheckPath } from './healthcheck.ts';
import { metricsPath } from './measure.ts';

/** Asked every few seconds, by those who watch. */
const untraced: readonly (string | undefined)[] = [healthcheckPath, metricsPath];

/** To be added before every other hook, so that what they refuse is traced too. */
export function traceRequests(app: FastifyInstance, tracer: Tracer | undefined): void {
  if (!tracer) return;
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook('onRequest', (request, _reply, done) => {
    if (untraced.includes(request.routeOptions.url)) return done();
    const span = tracer.begin({ ...factsOf(request), kind: 'server' }, traceparentOf(request));
    spans.set(request, span);
    span.during(done);
  });
  // What reads a body goes on in the context of its connection, which is no request's.
  app.addHook('preHandler', (request, _reply, done) => {
    const span = spans.get(request);
    if (span) span.during(done);
    else done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode } = reply;
    const span = spans.get(request);
    span?.set({ 'http.response.status_code': statusCode });
    span?.end(statusCode >= 500 ? statusCode : undefined);
    done();
  });
}

/**
 * By OpenTelemetry's conventions. Neither the query nor any header: they may hold what is nobody's to read. Nor the path
 * of boot media, which is all that leads to them.
 */
function factsOf({ method, url, routeOptions, protocol, id }: FastifyRequest): {
  name: string;
  attributes: Record<string, string>;
} {
  const route = routeOptions.url;
  return {
    name: route === undefined ? method : `${method} ${route}`,
    attributes: {
      'http.request.method': method,
      ...(route === undefined ? {} : { 'http.route': route }),
      'url.path': [url, route].some((each) => each?.startsWith(bootMediaPath))
        ? bootMediaPath
        : url.replace(/[?#].*$/s, ''),
      'url.scheme': protocol,
      'ingot.request': id,
    },
  };
}

function traceparentOf({ headers }: FastifyRequest): string | undefined {
  const { traceparent } = headers;
  return typeof traceparent === 'string' ? traceparent : undefined;
}
