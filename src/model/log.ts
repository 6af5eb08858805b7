/** A sink for log lines with fields; pino satisfies it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The same log, each of whose lines says this too. A node, an operation and a request have one name everywhere. */
export function logWith(log: Log, always: LogIds): Log {
  return {
    debug: (fields, message) => log.debug({ ...always, ...fields }, message),
    info: (fields, message) => log.info({ ...always, ...fields }, message),
    warn: (fields, message) => log.warn({ ...always, ...fields }, message),
    error: (fields, message) => log.error({ ...always, ...fields }, message),
  };
}

/** What a line of the log belongs to. */
export interface LogIds {
  /** A UUID, whatever the caller named the node by. */
  readonly node?: string;
  readonly operation?: string;
  /** As the header OpenStack-Request-Id of its answer. */
  readonly request?: string;
}
