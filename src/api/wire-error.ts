// Errors as they leave the API: three forms, by where in the service a request failed.
// Published: errors `wire` (ironic api/middleware/parsable_error.py, json_depth.py, 2026.2).
import { Fault } from '#model/fault.ts';

/** No route for the path, the method or the version, or an identifier that cannot be one. */
export class RoutingError extends Error {
  readonly status: number;
  /** The methods the path does have, for a 405. */
  readonly allow: readonly string[];
  /** Whether the answer still says which versions there are. */
  readonly tellsVersions: boolean;

  constructor(
    status: number,
    description = '',
    options: { allow?: readonly string[]; tellsVersions?: boolean } = {},
  ) {
    super(description);
    this.name = 'RoutingError';
    this.status = status;
    this.allow = options.allow ?? [];
    this.tellsVersions = options.tellsVersions ?? false;
  }
}

/** A body refused before anything looked at the request: too large, or nested too deep. */
export class BodyRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'BodyRefused';
    this.status = status;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
};

/** The body of a fault: JSON that holds JSON. Clients unwrap it twice. */
export function faultBody(status: number, message: string, trace: string | null = null): string {
  const faultcode = status >= 400 && status < 500 ? 'Client' : 'Server';
  return wrapped({ faultcode, faultstring: message, debuginfo: trace });
}

export function routingBody(error: RoutingError): string {
  return wrapped({
    code: error.status,
    title: titles[error.status] ?? 'Error',
    description: error.message,
  });
}

export function refusedBody(error: BodyRefused): string {
  return JSON.stringify({ faultcode: 'Client', faultstring: error.message });
}

function wrapped(inner: object): string {
  return JSON.stringify({ error_message: JSON.stringify(inner) });
}

/** Whether the error is the caller's to see; everything else is ours, and answered without its text. */
export function isFault(error: unknown): error is Fault {
  return error instanceof Fault;
}
