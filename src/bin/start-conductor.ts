import type { Logger } from 'pino';
import type { Settings } from '#config/settings.ts';
import { startConductor } from '#conductor/conductor.ts';
import { ConductorNameTaken } from '#conductor/membership/membership.ts';
import { createAgentPackage } from '#drivers/agent/package.ts';
import { fakePackage } from '#drivers/fake/package.ts';
import { noopPackage } from '#drivers/noop/package.ts';
import { createRedfishPackage } from '#drivers/redfish/package.ts';
import { createDriverRegistry, type DriverRegistry } from '#drivers/registry.ts';
import { systemClock as clock, systemRandom as random } from '#model/clock.ts';
import { destinationsOf } from '#notifications/destinations.ts';
import { startRelay } from '#notifications/relay.ts';
import type { SharedParts, Telemetry } from './shared-parts.ts';
import { StartError } from './start-error.ts';

export interface Drivers extends AsyncDisposable {
  readonly registry: DriverRegistry;
}

/** The drivers that the settings enable. Throws ConfigError; disposing ends their sessions with BMCs. */
export function loadDrivers(settings: Settings, log: Logger, telemetry: Telemetry): Drivers {
  const redfish = createRedfishPackage({ settings, clock, random, ...telemetry });
  const registry = createDriverRegistry(settings, [redfish, createAgentPackage(), fakePackage, noopPackage]);
  for (const warning of registry.warnings) log.warn(warning);
  return { registry, [Symbol.asyncDispose]: async () => await redfish.close() };
}

/** A conductor at work and taking calls. Disposing of it hands over what it is at, and says goodbye. */
export interface RunningConductor extends AsyncDisposable {
  /** Resolves, if ever, when another process took its name: it does nothing any more. */
  readonly lost: Promise<Error>;
}

/** Throws StartError when a conductor of its name is at work. */
export async function startConductorOn(
  settings: Settings,
  { registry }: Drivers,
  shared: SharedParts,
  log: Logger,
): Promise<RunningConductor> {
  const { store, ring, signals, broker, isAlone, metrics, tracer } = shared;
  const destinations = destinationsOf(settings, broker, clock, log);
  const hostname = settings.DEFAULT.host;
  const { hardwareTypes } = registry;
  const conductor = await startConductor(
    {
      hostname,
      isAlone,
      settings,
      store,
      ring,
      signals,
      registry,
      clock,
      random,
      log,
      ...(metrics && { metrics }),
      ...(tracer && { tracer }),
      checkpoint: checkpointOf(settings),
    },
    async (handlers) => await shared.conductors.serve({ hostname, hardwareTypes }, handlers),
  ).catch((error: unknown) => {
    throw error instanceof ConductorNameTaken ? new StartError(error.message, { cause: error }) : error;
  });
  const relay = startRelay({ settings, store, signals, clock, random, log }, destinations);
  return {
    lost: conductor.lost,
    async [Symbol.asyncDispose]() {
      await conductor.stop();
      await relay[Symbol.asyncDispose]();
    },
  };
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
