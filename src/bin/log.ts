import pino, { type DestinationStream, type Logger, type SerializedError, stdSerializers } from 'pino';
import type { Settings } from '#config/settings.ts';
import { TemporaryFailure } from '#model/faults.ts';
import { withoutSecrets } from '#model/secrets.ts';
import { readTraceparent, type Tracer } from '#telemetry/tracing.ts';
import { logForPeople, withoutPlaces } from './log-for-people.ts';

/**
 * The log of the service, to standard error or [DEFAULT]log_file: lines of JSON, or text when it is a terminal. Errors come
 * with their causes, and what is traced with its trace.
 */
export function createLog(
  settings: Settings,
  options: { destination?: DestinationStream; tracer?: Tracer | undefined } = {},
): Logger {
  const { destination = destinationOf(settings), tracer } = options;
  return pino(
    {
      level: settings.DEFAULT.debug ? 'debug' : 'info',
      serializers: { err: shownError },
      ...(tracer && { mixin: () => traceOf(tracer) }),
    },
    destination,
  );
}

/** The trace that a line belongs to, by which a log and a collector find each other. */
function traceOf({ place }: Tracer): { trace_id?: string } {
  const traceId = readTraceparent(place)?.traceId;
  return traceId === undefined ? {} : { trace_id: traceId };
}

function destinationOf(settings: Settings): DestinationStream {
  const { log_file: file } = settings.DEFAULT;
  if (file === null && process.stderr.isTTY) return logForPeople((text) => process.stderr.write(text));
  return pino.destination(file ?? 2);
}

/**
 * What failed may name the URL of an image with who may fetch it. While database or broker are away the same comes again
 * and again, and the places in our code say nothing about it.
 */
function shownError(error: Error): SerializedError {
  const shown = plain({ ...stdSerializers.err(error) }) as SerializedError;
  const stack = error instanceof TemporaryFailure ? withoutPlaces(shown.stack) : shown.stack;
  return withoutSecrets({ ...shown, stack });
}

/** So deep is looked at what an error carries. */
const deepest = 5;

/** What libraries hang on their errors, as far as it is data: of a socket or a request there is the name. */
function plain(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > deepest) return '…';
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (!isData(value)) return `[${value.constructor.name}]`;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, depth + 1)]));
}

function isData(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // pino makes of an error that another one carries an object with its stack.
  return prototype === null || prototype === Object.prototype || 'stack' in value;
}
