// A real API over a real store in a folder of its own, for tests of this folder.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { loadSettings, type Settings, type SettingsOverrides } from '#config/settings.ts';
import { registerConductor } from '#db/conductors.ts';
import { Ring } from '#db/ring.ts';
import { openSqliteStore, type Store } from '#db/store.ts';
import { systemClock, systemRandom } from '#model/clock.ts';
import { interfaceTypes } from '#model/power-states.ts';
import { InProcessTransport } from '#rpc/in-process.ts';
import { createApi } from '../create-api.ts';
import { nodeKeeper } from './node-keeper.ts';

export interface ApiUnderTest extends AsyncDisposable {
  readonly url: string;
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
const hardwareTypes = ['fake-hardware', 'redfish', 'ipmi', 'manual-management'];

export async function startApi(
  options: { settings?: SettingsOverrides; port?: number } = {},
): Promise<ApiUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'ingot-api-'));
  const { settings } = loadSettings(undefined, options.settings);
  const store = await openSqliteStore(join(folder, 'store.sqlite'));
  const interfaces = hardwareTypes.flatMap((hardware_type) =>
    interfaceTypes.map((interface_type) => ({
      hardware_type,
      interface_type,
      interface_name: 'fake',
      is_default: true,
    })),
  );
  await store.write(
    async (transaction) =>
      await registerConductor(
        transaction,
        { hostname: host, conductorGroup: '', interfaces },
        // Its heartbeat is in the far future, so that it counts as alive for as long as a test may take.
        { ...systemClock, now: () => Date.now() + 86_400_000 },
      ),
  );
  const ring = new Ring(
    store.read,
    { partitionExponent: 5, algorithm: 'md5', resetIntervalSeconds: 15, heartbeatTimeoutSeconds: 60 },
    systemClock,
  );
  const conductors = new InProcessTransport();
  conductors.serve(host, nodeKeeper(store));
  const log = pino({ level: process.env['LOG'] ?? 'silent' });
  const app = createApi({ settings, store, conductors, ring, clock: systemClock, random: systemRandom, log });
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  return {
    url,
    store,
    settings,
    request: async (method, path, sent = {}) => await request(url + path, method, sent),
    async [Symbol.asyncDispose]() {
      await app.close();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
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
