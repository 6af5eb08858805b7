// The whole service in one process: store, API and conductor, put together.
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isIPv4 } from 'node:net';
import type { Logger } from 'pino';
import { createApi } from '#api/create-api.ts';
import type { Settings } from '#config/settings.ts';
import { type Conductor, startConductor } from '#conductor/conductor.ts';
import { holdStore } from '#db/hold-store.ts';
import { Ring } from '#db/ring.ts';
import { openSqliteStore } from '#db/store.ts';
import { createAgentPackage } from '#drivers/agent/package.ts';
import { fakePackage } from '#drivers/fake/package.ts';
import { noopPackage } from '#drivers/noop/package.ts';
import { createRedfishPackage } from '#drivers/redfish/package.ts';
import { createDriverRegistry } from '#drivers/registry.ts';
import { systemClock, systemRandom } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import { InProcessSignals } from '#rpc/in-process-signals.ts';
import { InProcessTransport } from '#rpc/in-process.ts';
import { StartError } from './start-error.ts';

export interface Service {
  /** Where the API listens. */
  readonly url: string;
  /** Ends it in order: no new requests, running work to its next step, the store closed. May be repeated. */
  stop(): Promise<void>;
}

/** Starts everything. Throws ConfigError, StoreError or StartError with a sentence that says what to change. */
export async function startService(settings: Settings, log: Logger): Promise<Service> {
  const clock = systemClock;
  const random = systemRandom;
  checkExposure(settings);
  const redfish = createRedfishPackage({ settings, clock, random });
  const registry = createDriverRegistry(settings, [redfish, createAgentPackage(), fakePackage, noopPackage]);
  for (const warning of registry.warnings) log.warn(warning);

  makeDataFolder(settings.ingot.data_path);
  const path = databasePath(settings);
  const hold = holdStore(path, { patienceMilliseconds: 2000 });
  const store = await openSqliteStore(path, {
    batch: settings.ingot.commit_batch_limit,
    queue: settings.ingot.commit_queue_limit,
  });
  const ring = new Ring(store.read, ringSettings(settings), clock);
  const conductors = new InProcessTransport();
  const signals = new InProcessSignals();
  const api = createApi({ settings, store, conductors, ring, signals, clock, random, log });
  const hostname = settings.DEFAULT.host;
  let conductor: Conductor | undefined;
  const stop = once(async () => {
    await api.close();
    await conductor?.stop();
    await redfish.close();
    await store[Symbol.asyncDispose]();
    hold[Symbol.dispose]();
  });
  try {
    const url = await listen(api, settings);
    // What machines and BMCs are told of the API must name the port that was really taken.
    const listening = { ...settings, api: { ...settings.api, port: Number(new URL(url).port) } };
    const checkpoint = checkpointOf(settings);
    conductor = await startConductor({
      hostname,
      isAlone: true,
      settings: listening,
      store,
      ring,
      signals,
      registry,
      clock,
      random,
      log,
      checkpoint,
    });
    conductors.serve(hostname, conductor.handlers);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return async () => await (done ??= work());
}

/** Without authentication whoever reaches the port may do everything, so it stays on this machine unless told otherwise. */
function checkExposure(settings: Settings): void {
  const { host_ip: host } = settings.api;
  // A name that only begins like an address of the loopback may be anywhere.
  const isLoopback = host === '::1' || host === 'localhost' || (isIPv4(host) && host.startsWith('127.'));
  if (isLoopback || settings.ingot.allow_remote_without_auth) return;
  throw new StartError(
    `[api] host_ip is ${host}, and there is no authentication: anybody who reaches it could erase machines. ` +
      'Listen on 127.0.0.1, or set [ingot] allow_remote_without_auth = true if that is what you want.',
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

function databasePath(settings: Settings): string {
  const { connection } = settings.database;
  const match = /^sqlite:\/\/\/(.+)$/.exec(connection);
  if (match?.[1]) return match[1];
  throw new StartError(
    '[database] connection must be sqlite:///PATH, or absent: the embedded store is the one that this version has. ' +
      'Take the line out of the configuration file to keep everything below the data folder.',
  );
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

async function listen(api: ReturnType<typeof createApi>, settings: Settings): Promise<string> {
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

/** Tells a simulator of every boundary where a crash could matter, and waits for its leave to go on. */
function checkpointOf(settings: Settings): (name: string, node: string) => Promise<void> {
  const url = settings.ingot.checkpoint_url;
  if (url === null) return async () => {};
  return async (name, node) => {
    const body = JSON.stringify({ name, node, pid: process.pid });
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  };
}
