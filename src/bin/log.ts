import pino, { type DestinationStream, type Logger, type SerializedError, stdSerializers } from 'pino';
import type { Settings } from '#config/settings.ts';
import { hideInUrls } from '#model/secrets.ts';

/** The log of the service: lines of JSON, to standard error or [DEFAULT]log_file. Errors come with their causes. */
export function createLog(
  settings: Settings,
  destination: DestinationStream = pino.destination(settings.DEFAULT.log_file ?? 2),
): Logger {
  return pino(
    { level: settings.DEFAULT.debug ? 'debug' : 'info', serializers: { err: shownError } },
    destination,
  );
}

/** What failed may name the URL of an image with who may fetch it. */
function shownError(error: Error): SerializedError {
  const shown = stdSerializers.err(error);
  return { ...shown, message: hideInUrls(shown.message), stack: hideInUrls(shown.stack) };
}
