import { hostname } from 'node:os';
import { ConfigError } from '#config/config-error.ts';
import type { Settings } from '#config/settings.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import type { Role } from './role.ts';

/** The variables by which every program with OpenTelemetry is told the same. */
export type TracingEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * A tracer that sends to the collector that the settings name, or the environment; undefined, with nothing loaded,
 * where neither does. Throws ConfigError.
 */
export async function startTracing(
  role: Role,
  settings: Settings,
  environment: TracingEnvironment,
  onTrouble: (error: Error | undefined) => void,
): Promise<Tracer | undefined> {
  const url = tracesUrl(settings, environment);
  if (url === undefined) return undefined;
  const { createOtlpTracer } = await import('#telemetry/otlp.ts');
  const resource = {
    'service.name': environment['OTEL_SERVICE_NAME'] || 'ingot',
    'service.instance.id': role === 'api' ? `${hostname()}:${process.pid}` : settings.DEFAULT.host,
    'host.name': hostname(),
    'process.pid': process.pid,
    'ingot.role': role,
  };
  return createOtlpTracer({ url, resource, onTrouble });
}

function tracesUrl({ ingot }: Settings, environment: TracingEnvironment): string | undefined {
  const base = ingot.otlp_endpoint;
  if (base !== null) return checked('[ingot] otlp_endpoint', `${base.replace(/\/+$/, '')}/v1/traces`);
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const traces = environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (traces) return checked('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', traces);
  const all = environment['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return all ? checked('OTEL_EXPORTER_OTLP_ENDPOINT', `${all.replace(/\/+$/, '')}/v1/traces`) : undefined;
}

function checked(name: string, text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href;
  throw new ConfigError({ problem: `${name} is not an http or https URL, such as http://127.0.0.1:4318.` });
}
