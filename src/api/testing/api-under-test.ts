// A real API over a real store of its own, for tests of this folder.
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { startConductor } from '#conductor/conductor.ts';
import { loadSettings, type Settings, type SettingsOverrides } from '#config/settings.ts';
import { tellingOfEvents } from '#db/event-signals.ts';
import { Ring } from '#db/ring.ts';
import type { Store } from '#db/store.ts';
import { openTestStore } from '#db/testing/databases.ts';
import { createAgentPackage } from '#drivers/agent/package.ts';
import { fakePackage } from '#drivers/fake/package.ts';
import { noopPackage } from '#drivers/noop/package.ts';
import { createDriverRegistry } from '#drivers/registry.ts';
import { systemClock, systemRandom } from '#model/clock.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';
import { InProcessTransport } from '#rpc/in-process.ts';
import type { ConductorHandlers } from '#protocol/rpc.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import type { Access } from '../access.ts';
import { createApi } from '../create-api.ts';

export interface ApiUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly server: Server;
  readonly store: Store;
  readonly settings: Settings;
  request(method: string, path: string, options?: RequestOptions): Promise<Reply>;
}

export interface RequestOptions {
  /** `1.82`; null sends no header. Absent: the newest. */
  version?: string | null;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it stands. */
  raw?: string;
  headers?: Record<string, string>;
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** The body's JSON; tests look into it freely. */
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are asserted on, not programmed with
  json: any;
}

const host = 'conductor-under-test';

/** Starts a store, a conductor with the drivers that need no hardware, and the API in front of them. */
export async function startApi(
  options: {
    settings?: SettingsOverrides;
    port?: number;
    /** Calls that the conductor answers otherwise than it would. */
    handlers?: Partial<ConductorHandlers>;
    /** Absent: everyone may do everything. */
    access?: Access;
    /** Absent: nothing is counted. */
    metrics?: Metrics;
    /** Absent: nothing is traced. */
    tracer?: Tracer;
    /** Absent: to standard output, at the level that LOG names. */
    log?: Logger;
  } = {},
): Promise<ApiUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-api-'));
  const { settings } = loadSettings(undefined, {
    ...options.settings,
    DEFAULT: { ...withoutHardware, ...options.settings?.DEFAULT },
  });
  const signals = new InProcessSignals();
  const store = tellingOfEvents(await openTestStore(), signals);
  const ring = new Ring(
    store.read,
    { partitionExponent: 5, algorithm: 'md5', resetIntervalSeconds: 15, heartbeatTimeoutSeconds: 60 },
    systemClock,
  );
  const { log = pino({ level: process.env['LOG'] ?? 'silent' }) } = options;
  const parts = {
    settings,
    store,
    ring,
    signals,
    clock: systemClock,
    random: systemRandom,
    log,
    ...(options.metrics && { metrics: options.metrics }),
    ...(options.tracer && { tracer: options.tracer }),
  };
  const registry = createDriverRegistry(settings, [createAgentPackage(), fakePackage, noopPackage]);
  const conductor = await startConductor({
    ...parts,
    hostname: host,
    isAlone: true,
    registry,
    checkpoint: async () => {},
  });
  const conductors = new InProcessTransport({ settings, clock: systemClock, log });
  const handlers = { ...conductor.handlers, ...options.handlers };
  await conductors.serve({ hostname: host, hardwareTypes: registry.hardwareTypes }, handlers);
  const app = createApi({ ...parts, conductors, ...(options.access && { access: options.access }) });
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  return {
    url,
    server: app.server,
    store,
    settings,
    request: async (method, path, sent = {}) => await request(url + path, method, sent),
    async [Symbol.asyncDispose]() {
      await app.close();
      await conductor.stop();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const withoutHardware: SettingsOverrides['DEFAULT'] = {
  enabled_hardware_types: ['fake-hardware'],
  enabled_boot_interfaces: ['fake'],
  enabled_inspect_interfaces: ['fake', 'agent', 'no-inspect'],
  enabled_management_interfaces: ['fake', 'noop'],
  enabled_power_interfaces: ['fake'],
};

/** Waits until the node is in a state that nothing leaves by itself, and nobody holds it. */
export async function untilAtRest(api: ApiUnderTest, uuid: string): Promise<void> {
  for (;;) {
    const { json: node } = await api.request('GET', `/v1/nodes/${uuid}`);
    if (node.target_provision_state === null && node.reservation === null) return;
    await systemClock.sleep(5);
  }
}

async function request(url: string, method: string, options: RequestOptions): Promise<Reply> {
  const headers = new Headers(options.headers);
  const { version = '1.115' } = options;
  if (version !== null) headers.set('x-openstack-ironic-api-version', version);
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text === '' ? null : parsed(text),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The inner error of a fault or a routing error. */
export function innerError(reply: Reply): Record<string, unknown> {
  return JSON.parse(reply.json.error_message) as Record<string, unknown>;
}
