import pino, { type DestinationStream, type Logger, type SerializedError, stdSerializers } from 'pino';
import type { Settings } from '#config/settings.ts';
import { hideInUrls } from '#model/secrets.ts';
import { logForPeople } from './log-for-people.ts';

/**
 * The log of the service, to standard error or [DEFAULT]log_file: lines of JSON, or text when it is a terminal. Errors come
 * with their causes.
 */
export function createLog(
  settings: Settings,
  destination: DestinationStream = destinationOf(settings),
): Logger {
  return pino(
    { level: settings.DEFAULT.debug ? 'debug' : 'info', serializers: { err: shownError } },
    destination,
  );
}

function destinationOf(settings: Settings): DestinationStream {
  const { log_file: file } = settings.DEFAULT;
  if (file === null && process.stderr.isTTY) return logForPeople((text) => process.stderr.write(text));
  return pino.destination(file ?? 2);
}

/** What failed may name the URL of an image with who may fetch it. */
function shownError(error: Error): SerializedError {
  const shown = stdSerializers.err(error);
  return { ...shown, message: hideInUrls(shown.message), stack: hideInUrls(shown.stack) };
}
