// Every way in which calls and signals are carried, for tests that hold for each.
import { loadSettings, type Settings, type SettingsOverrides } from '#config/settings.ts';
import { systemClock } from '#model/clock.ts';
import type { Log } from '#model/log.ts';
import type { ConductorClient, ConductorHandlers, ConductorServer } from '#protocol/rpc.ts';
import type { Signals } from '#protocol/signals.ts';
import { type Nats, startNats } from '#sim/cluster/nats.ts';
import { type Broker, connectBroker } from '../broker.ts';
import { InProcessSignals } from '../in-process-signals.ts';
import { InProcessTransport } from '../in-process.ts';
import { NatsSignals } from '../nats-signals.ts';
import { NatsTransport } from '../nats-transport.ts';

export interface Logged {
  level: keyof Log;
  message: string;
  fields: object;
}

/** An API's end and a conductor's end of one way to carry calls. */
export interface Carrier extends AsyncDisposable {
  readonly client: ConductorClient;
  readonly server: ConductorServer;
  /** Of the two processes, were they two. */
  readonly signals: readonly [Signals, Signals];
  readonly logged: Logged[];
  /** Resolves when whatever was subscribed to will be heard. */
  settled(): Promise<void>;
}

/** Starts what each way needs once, and gives a function that makes one with settings of its own. */
export const carriers: Record<
  string,
  () => Promise<{ make(settings?: SettingsOverrides): Promise<Carrier>; stop(): Promise<void> }>
> = {
  'in process': async () => ({
    async make(overrides = {}) {
      const { log, logged } = aLog();
      const { settings } = loadSettings(undefined, overrides);
      const transport = new InProcessTransport({ settings, clock: systemClock, log });
      const signals = new InProcessSignals();
      return {
        client: transport,
        server: transport,
        signals: [signals, signals],
        logged,
        settled: async () => {},
        [Symbol.asyncDispose]: async () => {},
      };
    },
    stop: async () => {},
  }),
  'over NATS': async () => {
    const nats = await startNats();
    return {
      make: async (overrides) => await overNats(nats, overrides),
      stop: async () => await nats.stop(),
    };
  },
};

export interface NatsCarrier extends Carrier {
  readonly brokers: readonly [Broker, Broker];
  readonly settings: Settings;
}

export async function overNats(nats: Nats, overrides: SettingsOverrides = {}): Promise<NatsCarrier> {
  const { log, logged } = aLog();
  const ingot = { broker_url: nats.url, broker_prefix: `test-${crypto.randomUUID()}`, ...overrides.ingot };
  const { settings } = loadSettings(undefined, { ...overrides, ingot });
  const api = await connectBroker(settings, log);
  const conductor = await connectBroker(settings, log);
  const parts = { settings, clock: systemClock, log };
  return {
    client: new NatsTransport({ broker: api, ...parts }),
    server: new NatsTransport({ broker: conductor, ...parts }),
    signals: [new NatsSignals(api), new NatsSignals(conductor)],
    logged,
    brokers: [api, conductor],
    settings,
    async settled() {
      await api.connection.flush();
      await conductor.connection.flush();
    },
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await conductor[Symbol.asyncDispose]();
    },
  };
}

function aLog(): { log: Log; logged: Logged[] } {
  const logged: Logged[] = [];
  const tell = (level: keyof Log) => (fields: object, message: string) => {
    logged.push({ level, message, fields });
  };
  return {
    logged,
    log: { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') },
  };
}

/** A conductor that answers only these. */
export function answering(handlers: Partial<ConductorHandlers>): ConductorHandlers {
  // Tests call what they give.
  return handlers as ConductorHandlers;
}
