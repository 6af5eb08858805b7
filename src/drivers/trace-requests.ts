// Spans for what is asked of machines: of their BMCs and of the agents on them. By OpenTelemetry's conventions, and
// without what a query, a header or a body may hold that is nobody's to read.
import type { HttpTransport } from '#bmc/redfish/transport.ts';
import type { Attributes, Span, Tracer } from '#telemetry/tracing.ts';
import type { AgentExchange } from './agent-exchange.ts';

interface Asked {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly method: string;
  readonly path: string;
}

export function tracedExchange(exchange: AgentExchange, tracer: Tracer): AgentExchange {
  return async (request) =>
    await tracedRequest(tracer, 'agent', request, async () => await exchange(request));
}

export function tracedTransport(origin: string, transport: HttpTransport, tracer: Tracer): HttpTransport {
  return {
    async send(request, signal) {
      // The name of a session is as good as its token with some controllers.
      const path = request.path.replace(/(?<=\/Sessions\/)[^/]+/, '*');
      const asked = { origin, method: request.method, path };
      return await tracedRequest(tracer, 'bmc', asked, async () => await transport.send(request, signal));
    },
    close: async () => await transport.close(),
  };
}

/** Sends a request within a span. Outside of any trace there is none: nobody asked, as for the power of each node. */
async function tracedRequest<Answer extends { status: number }>(
  tracer: Tracer,
  of: 'agent' | 'bmc',
  asked: Asked,
  send: () => Promise<Answer>,
): Promise<Answer> {
  if (tracer.place === undefined) return await send();
  const span = tracer.begin({
    name: `${of} ${asked.method}`,
    kind: 'client',
    attributes: attributesOf(asked),
  });
  return await span.during(async () => await ended(span, send));
}

async function ended<Answer extends { status: number }>(
  span: Span,
  send: () => Promise<Answer>,
): Promise<Answer> {
  try {
    const answer = await send();
    span.set({ 'http.response.status_code': answer.status });
    span.end(answer.status >= 400 ? answer.status : undefined);
    return answer;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

function attributesOf({ origin, method, path }: Asked): Attributes {
  const { hostname, port, protocol } = new URL(origin);
  const plain = path.replace(/[?#].*$/s, '');
  return {
    'http.request.method': method,
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    'url.full': `${protocol}//${hostname}${port === '' ? '' : `:${port}`}${plain}`,
  };
}
