import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Settings } from '#config/settings.ts';
import { tellingOfEvents } from '#db/event-signals.ts';
import { holdStore } from '#db/hold-store.ts';
import { timedStore } from '#db/timed-store.ts';
import { Ring } from '#db/ring.ts';
import { databasePlace, openStore } from '#db/open-store.ts';
import type { Store } from '#db/store.ts';
import { type Clock, type Random, systemClock, systemRandom } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import type { ConductorClient, ConductorServer } from '#protocol/rpc.ts';
import type { Signals } from '#protocol/signals.ts';
import type { Broker } from '#rpc/broker.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';
import { InProcessTransport } from '#rpc/in-process.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { Tracer } from '#telemetry/tracing.ts';
import { type Patience, patiently } from './patiently.ts';
import { StartError } from './start-error.ts';

/** By which a process tells what it does; each part absent where nobody is to hear of it. */
export interface Telemetry {
  readonly metrics?: Metrics;
  readonly tracer?: Tracer;
}

/** What processes of every role work with. Disposing of it drains the broker, then closes the store. */
export interface SharedParts extends Telemetry, AsyncDisposable {
  readonly store: Store;
  /** Nobody else can be at work on this store. */
  readonly isAlone: boolean;
  readonly ring: Ring;
  readonly conductors: ConductorClient & ConductorServer;
  readonly signals: Signals;
  /** Null where everything is in this process. */
  readonly broker: Broker | null;
  readonly clock: Clock;
  readonly random: Random;
}

export async function openSharedParts(
  settings: Settings,
  log: Logger,
  telemetry: Telemetry,
): Promise<SharedParts> {
  const { metrics } = telemetry;
  await using opening = new AsyncDisposableStack();
  makeDataFolder(settings.ingot.data_path);
  const place = databasePlace(settings.database.connection);
  if (place?.kind === 'sqlite') opening.use(holdStore(place.path, { patienceMilliseconds: 2000 }));
  const store = opening.use(await openStorePatiently(settings, log));
  const ring = new Ring(store.read, ringSettings(settings), systemClock);
  const { conductors, signals, broker } = await meetConductors(settings, log, opening);
  const opened = opening.move();
  return {
    store: tellingOfEvents(metrics ? timedStore(store, metrics, () => systemClock.now()) : store, signals),
    ...telemetry,
    isAlone: place?.kind === 'sqlite',
    ring,
    conductors,
    signals,
    broker,
    clock: systemClock,
    random: systemRandom,
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  };
}

/** The way to conductors and what processes tell each other: at the broker that the settings name, or in here. */
async function meetConductors(
  settings: Settings,
  log: Logger,
  resources: AsyncDisposableStack,
): Promise<Pick<SharedParts, 'conductors' | 'signals' | 'broker'>> {
  const parts = { settings, clock: systemClock, log };
  if (settings.ingot.broker_url === null)
    return { conductors: new InProcessTransport(parts), signals: new InProcessSignals(), broker: null };
  // Loaded only where there is a broker.
  const [{ connectBroker }, { NatsSignals }, { NatsTransport }] = await Promise.all([
    import('#rpc/broker.ts'),
    import('#rpc/nats-signals.ts'),
    import('#rpc/nats-transport.ts'),
  ]);
  const broker = resources.use(
    await patiently(patienceFor('the broker', settings, log), async () => await connectBroker(settings, log)),
  );
  return { conductors: new NatsTransport({ ...parts, broker }), signals: new NatsSignals(broker), broker };
}

function patienceFor(what: string, { ingot }: Settings, log: Logger): Patience {
  return { what, limitSeconds: ingot.start_patience, clock: systemClock, log };
}

async function openStorePatiently(settings: Settings, log: Logger): Promise<Store> {
  const { database, ingot } = settings;
  const limits = {
    batch: ingot.commit_batch_limit,
    queue: ingot.commit_queue_limit,
    connections: database.max_pool_size,
  };
  return await patiently(
    patienceFor('the database', settings, log),
    async () => await openStore(database.connection, limits),
  );
}

function makeDataFolder(path: string): void {
  try {
    makeFolders(path);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new StartError(`The data folder ${path} cannot be made: ${reason}.`, { cause });
  }
}

/** Not by mkdirSync's `recursive`: that never returns where a folder is there and takes none, as /proc. */
function makeFolders(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  makeFolders(dirname(path));
  mkdirSync(path);
}

function ringSettings(settings: Settings): ConstructorParameters<typeof Ring>[1] {
  const { hash_partition_exponent, hash_ring_algorithm, hash_ring_reset_interval } = settings.DEFAULT;
  return {
    partitionExponent: hash_partition_exponent,
    algorithm: hash_ring_algorithm,
    resetIntervalSeconds: hash_ring_reset_interval,
    heartbeatTimeoutSeconds: settings.conductor.heartbeat_timeout,
  };
}
