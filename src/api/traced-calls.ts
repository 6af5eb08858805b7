import type { ConductorClient, RequestContext } from '#protocol/rpc.ts';
import { traced, type Tracer } from '#telemetry/tracing.ts';

/** The same client; each call is a span, and tells the conductor of it. */
export function tracedCalls(client: ConductorClient, tracer: Tracer): ConductorClient {
  const within = async <T>(
    name: string,
    to: Record<string, string>,
    context: RequestContext,
    call: (context: RequestContext) => Promise<T>,
  ): Promise<T> =>
    await traced(
      tracer,
      {
        name: `call ${name}`,
        kind: 'client',
        attributes: { 'rpc.system': 'ingot', 'rpc.method': name, ...to },
      },
      async (span) => await call(span ? { ...context, traceparent: span.traceparent } : context),
    );
  return {
    call: async (hostname, name, args, context) =>
      await within(
        name,
        { 'server.address': hostname },
        context,
        async (told) => await client.call(hostname, name, args, told),
      ),
    callAny: async (hardwareType, name, context) =>
      await within(
        name,
        { 'ingot.hardware_type': hardwareType },
        context,
        async (told) => await client.callAny(hardwareType, name, told),
      ),
  };
}
