// One process of the service, put together of the parts that its role needs. What a role does not need is not loaded.
import type { Logger } from 'pino';
import type { Settings } from '#config/settings.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import { isApiUrlSet } from '#images/service-url.ts';
import { checkSettings } from './check-settings.ts';
import type { Role } from './role.ts';
import { openSharedParts } from './shared-parts.ts';
import type { RunningConductor } from './start-conductor.ts';

export interface Service {
  /** Where the API listens; null where there is none. */
  readonly url: string | null;
  /** Resolves, if ever, when it cannot go on. */
  readonly failed: Promise<Error>;
  /**
   * Ends it in order: no new requests, those under way answered; what the conductor is at handed over; broker and
   * store closed. May be repeated.
   */
  stop(): Promise<void>;
}

const apiUrlUnset =
  'no URL of the API is set, so machines are told to call [DEFAULT] my_ip and [api] port, where an API has to run; ' +
  '[service_catalog] endpoint_override names another, such as a load balancer';

/** Starts everything; what is traced is sent before it ends. Throws ConfigError, StoreError or StartError with a sentence that says what to change. */
export async function startService(
  role: Role,
  settings: Settings,
  log: Logger,
  tracer?: Tracer,
): Promise<Service> {
  checkSettings(role, settings);
  if (role === 'conductor' && !isApiUrlSet(settings)) log.warn(apiUrlUnset);
  const hasApi = role !== 'conductor';
  const conducting = role === 'api' ? undefined : await import('./start-conductor.ts');
  // What was put here first is ended last.
  await using starting = new AsyncDisposableStack();
  if (tracer) starting.use(tracer);
  const metrics = await countWhatHappens(settings, starting);
  const telemetry = { ...(metrics && { metrics }), ...(tracer && { tracer }) };
  const drivers = conducting && starting.use(conducting.loadDrivers(settings, log, telemetry));
  const shared = starting.use(await openSharedParts(settings, log, telemetry));
  // It begins after the API, whose port it has to know, and ends after it too.
  let conductor: RunningConductor | undefined;
  starting.defer(async () => await conductor?.[Symbol.asyncDispose]());
  let url: string | null = null;
  if (hasApi) {
    const { startApi } = await import('./start-api.ts');
    ({ url } = starting.use(await startApi(settings, shared, log)));
  }
  if (conducting && drivers)
    conductor = await conducting.startConductorOn(withPort(settings, url), drivers, shared, log);
  const running = starting.move();
  const failed = conductor?.lost ?? Promise.withResolvers<Error>().promise;
  return { url, failed, stop: async () => await running.disposeAsync() };
}

/** What machines and BMCs are told of the API must name the port that was really taken. */
function withPort(settings: Settings, url: string | null): Settings {
  return url === null ? settings : { ...settings, api: { ...settings.api, port: Number(new URL(url).port) } };
}

/** Nothing is counted, and nothing loaded for it, where nobody is to read it. */
async function countWhatHappens(
  settings: Settings,
  starting: AsyncDisposableStack,
): Promise<Metrics | undefined> {
  if (!settings.ingot.metrics && settings.ingot.metrics_port === null) return undefined;
  const [{ createMetrics }, { listenForMetrics }] = await Promise.all([
    import('#telemetry/metrics.ts'),
    import('./metrics-listener.ts'),
  ]);
  const metrics = createMetrics();
  starting.use(await listenForMetrics(settings, metrics));
  return metrics;
}
