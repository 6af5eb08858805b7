import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { describe, it } from 'node:test';
import { ConfigError } from '#config/config-error.ts';
import { loadSettings, type Settings } from '#config/settings.ts';
import { startCollector } from '#telemetry/testing/collector.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import { startTracing, type TracingEnvironment } from './start-tracing.ts';

function settingsWith(otlp_endpoint?: string): Settings {
  return loadSettings(undefined, otlp_endpoint === undefined ? {} : { ingot: { otlp_endpoint } }).settings;
}

const start = async (settings: Settings, environment: TracingEnvironment): Promise<Tracer | undefined> =>
  await startTracing('all-in-one', settings, environment, () => {});

describe('without a collector', () => {
  for (const environment of [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' },
  ])
    it(`nothing is traced: ${JSON.stringify(environment)}`, async () => {
      assert.equal(await start(settingsWith(), environment), undefined);
    });

  it('no process loads what would trace', async () => {
    const loaded: string[] = [];
    const hooks = registerHooks({
      resolve(specifier, context, next) {
        // The test's own collector loads it; what the processes load comes under names of its own.
        loaded.push(specifier);
        return next(specifier, context);
      },
    });
    try {
      await Promise.all([import('./service.ts'), import('./start-api.ts'), import('./start-conductor.ts')]);
      await start(settingsWith(), {});
      const traces = (): string[] => loaded.filter((name) => /opentelemetry|telemetry\/otlp/.test(name));
      assert.ok(loaded.includes('./create-api.ts') || loaded.includes('#api/create-api.ts'));
      assert.deepEqual(traces(), []);
      const tracer = await start(settingsWith('http://127.0.0.1:1'), {});
      await tracer?.[Symbol.asyncDispose]();
      assert.deepEqual(traces(), ['#telemetry/otlp.ts']);
    } finally {
      hooks.deregister();
    }
  });
});

describe('a collector is found', () => {
  const named: Record<string, (endpoint: string) => [Settings, TracingEnvironment]> = {
    'by the settings': (endpoint) => [settingsWith(`${endpoint}/`), {}],
    'by the environment': (endpoint) => [settingsWith(), { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }],
    'by the environment, for traces alone': (endpoint) => [
      settingsWith(),
      {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces`,
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://no',
      },
    ],
    'by the settings rather than the environment': (endpoint) => [
      settingsWith(endpoint),
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://no' },
    ],
  };
  for (const [how, settingsAt] of Object.entries(named))
    it(how, async () => {
      await using collector = await startCollector();
      const [settings, environment] = settingsAt(collector.endpoint);
      const tracer = await start(settings, { ...environment, OTEL_SERVICE_NAME: 'metal' });
      tracer?.begin({ name: 'one', kind: 'server' }).end();
      await tracer?.[Symbol.asyncDispose]();
      assert.deepEqual(
        collector.spans.map(({ name, resource }) => [name, resource['service.name'], resource['ingot.role']]),
        [['one', 'metal', 'all-in-one']],
      );
    });

  it('unless its URL is none', async () => {
    await assert.rejects(start(settingsWith('localhost:4318'), {}), ConfigError);
    await assert.rejects(start(settingsWith(), { OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense' }), ConfigError);
  });
});
