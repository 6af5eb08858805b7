import type { ConductorHandlers, RequestContext } from '#protocol/rpc.ts';
import { traced, type Tracer } from '#telemetry/tracing.ts';

type Handle = (args: object, context: RequestContext) => Promise<unknown>;

/** The same handlers; each call is a span within the one of its caller, wherever that is. */
export function tracedHandlers(handlers: ConductorHandlers, tracer: Tracer): ConductorHandlers {
  const all = Object.entries(handlers).map(([name, handle]) => [
    name,
    withinSpan(name, handle as Handle, tracer),
  ]);
  // A function for each name that was there, which takes what that took and gives what it gave.
  return Object.fromEntries(all) as ConductorHandlers;
}

function withinSpan(name: string, handle: Handle, tracer: Tracer): Handle {
  return async (args, context) =>
    await traced(
      tracer,
      { name: `answer ${name}`, kind: 'server', attributes: attributesOf(name, args, context) },
      async (span) => await handle(args, span ? { ...context, traceparent: span.traceparent } : context),
      context.traceparent,
    );
}

function attributesOf(name: string, args: object, { requestId }: RequestContext): Record<string, string> {
  const node = 'node' in args && typeof args.node === 'string' ? { 'ingot.node': args.node } : {};
  return { 'rpc.system': 'ingot', 'rpc.method': name, 'ingot.request': requestId, ...node };
}
