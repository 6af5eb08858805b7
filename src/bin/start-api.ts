import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createApi } from '#api/create-api.ts';
import type { Settings } from '#config/settings.ts';
import type { SharedParts } from './shared-parts.ts';
import { StartError } from './start-error.ts';

/** The API, taking requests. Disposing of it ends it once the requests under way are answered. */
export interface RunningApi extends AsyncDisposable {
  readonly url: string;
}

/** Throws StartError when it cannot listen where the settings say. */
export async function startApi(settings: Settings, shared: SharedParts, log: Logger): Promise<RunningApi> {
  const { store, ring, conductors, signals, clock, random, metrics, tracer } = shared;
  const parts = { settings, store, ring, conductors, signals, clock, random, log };
  const api = createApi({ ...parts, ...(metrics && { metrics }), ...(tracer && { tracer }) });
  try {
    return { url: await listen(api, settings), [Symbol.asyncDispose]: async () => await api.close() };
  } catch (error) {
    await api.close();
    throw error;
  }
}

async function listen(api: FastifyInstance, settings: Settings): Promise<string> {
  const { host_ip: host, port } = settings.api;
  try {
    return await api.listen({ host, port });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new StartError(
        `The port ${port} on ${host} is taken by another program; choose another with --port.`,
        { cause },
      );
    }
    if (code === 'EADDRNOTAVAIL')
      throw new StartError(`This machine has no address ${host} to listen on.`, { cause });
    if (code === 'EACCES')
      throw new StartError(`No permission to listen on port ${port} of ${host}.`, { cause });
    throw cause;
  }
}
