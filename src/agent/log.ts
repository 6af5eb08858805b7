// The agent's log: lines to stderr (the console of the machine), the newest kept for collect_system_logs.

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string, cause?: unknown): void;
  error(message: string, cause?: unknown): void;
  /** The newest lines, oldest first, as text. */
  recent(): string;
}

const keptLines = 2000;

/** A log that writes each line through `write`; lines of level debug only when `debug` is set. */
export function createLog(write: (line: string) => void, { debug = false, now = Date.now } = {}): Log {
  const lines: string[] = [];
  const put = (level: LogLevel, message: string, cause?: unknown) => {
    const line = `${new Date(now()).toISOString()} ${level} ${message}${describeCause(cause)}`;
    lines.push(line);
    if (lines.length > keptLines) lines.splice(0, keptLines / 2);
    write(line);
  };
  return {
    debug: (message) => (debug ? put('debug', message) : undefined),
    info: (message) => put('info', message),
    warning: (message, cause) => put('warning', message, cause),
    error: (message, cause) => put('error', message, cause),
    recent: () => lines.map((line) => `${line}\n`).join(''),
  };
}

function describeCause(cause: unknown): string {
  let text = '';
  for (let depth = 0; cause instanceof Error && depth < 5; depth++) {
    text += `: ${cause.message || cause.name}`;
    ({ cause } = cause);
  }
  return text;
}
