import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Settings } from '#config/settings.ts';
import { holdStore } from '#db/hold-store.ts';
import { Ring } from '#db/ring.ts';
import { openSqliteStore, type Store } from '#db/store.ts';
import { type Clock, type Random, systemClock, systemRandom } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import type { ConductorClient, ConductorHandlers } from '#protocol/rpc.ts';
import type { Signals } from '#protocol/signals.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';
import { InProcessTransport } from '#rpc/in-process.ts';
import { patiently } from './patiently.ts';
import { StartError } from './start-error.ts';

/** What processes of every role work with. Disposing of it drains the broker, then closes the store. */
export interface SharedParts extends AsyncDisposable {
  readonly store: Store;
  /** Nobody else can be at work on this store. */
  readonly isAlone: boolean;
  readonly ring: Ring;
  readonly conductors: ConductorClient & {
    serve(hostname: string, handlers: ConductorHandlers): () => void | Promise<void>;
  };
  readonly signals: Signals;
  readonly clock: Clock;
  readonly random: Random;
}

export async function openSharedParts(settings: Settings, log: Logger): Promise<SharedParts> {
  await using opening = new AsyncDisposableStack();
  makeDataFolder(settings.ingot.data_path);
  const path = databasePath(settings);
  opening.use(holdStore(path, { patienceMilliseconds: 2000 }));
  const limits = { batch: settings.ingot.commit_batch_limit, queue: settings.ingot.commit_queue_limit };
  const patience = { limitSeconds: settings.ingot.start_patience, clock: systemClock, log };
  const store = opening.use(
    await patiently({ what: 'the database', ...patience }, async () => await openSqliteStore(path, limits)),
  );
  const ring = new Ring(store.read, ringSettings(settings), systemClock);
  const opened = opening.move();
  return {
    store,
    isAlone: true,
    ring,
    conductors: new InProcessTransport(),
    signals: new InProcessSignals(),
    clock: systemClock,
    random: systemRandom,
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  };
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

function databasePath(settings: Settings): string {
  const { connection } = settings.database;
  const match = /^sqlite:\/\/\/(.+)$/.exec(connection);
  if (match?.[1]) return match[1];
  throw new StartError(
    '[database] connection must be sqlite:///PATH, or absent: the embedded store is the one that this version has. ' +
      'Take the line out of the configuration file to keep everything below the data folder.',
  );
}
