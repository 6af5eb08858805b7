// An operation goes on for as long as it takes, on one conductor after another. Its span has an id that each of them
// knows, made of the operation's own; whoever ends the operation tells of the span.
import type { OperationInput, OperationRecord } from '#protocol/operation.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { readTraceparent, writeTraceparent } from '#telemetry/tracing.ts';
import type { ConductorParts } from '../parts.ts';

/** The input of an operation that is asked for in this context. */
export function withTrace(
  input: OperationInput,
  { traceparent }: Pick<RequestContext, 'traceparent'>,
): OperationInput {
  return traceparent === undefined ? input : { ...input, traceparent };
}

/** The operation's own place in the trace of whoever asked for it; undefined where that was in none. */
export function placeOf({ id, input }: Pick<OperationRecord, 'id' | 'input'>): string | undefined {
  const parent = readTraceparent(input.traceparent);
  // The later half of a UUID is random but for two bits, and never nothing but zeros.
  return parent && writeTraceparent({ ...parent, spanId: id.replaceAll('-', '').slice(16) });
}

/** Tells of an operation that has come to its end. */
export function tellTrace(
  { tracer, clock }: ConductorParts,
  operation: OperationRecord,
  { state, error }: Pick<OperationRecord, 'state' | 'error'>,
): void {
  const { id, kind, node_uuid, input } = operation;
  const traceparent = placeOf(operation);
  if (!tracer || traceparent === undefined || input.traceparent === undefined) return;
  tracer.tell({
    name: `operation ${kind}`,
    kind: 'internal',
    attributes: { 'ingot.node': node_uuid, 'ingot.operation': id, 'ingot.operation.state': state },
    traceparent,
    parent: input.traceparent,
    begun: Date.parse(operation.created_at),
    ended: clock.now(),
    ...(error === null ? {} : { failure: new Error(error) }),
  });
}
