#!/usr/bin/env -S node --max-semi-space-size=16
// The service: everything in one process, or only an API or a conductor. See arguments.ts for what it is told.
import { resolve } from 'node:path';
import { ConfigError } from '#config/config-error.ts';
import { loadSettings, type LoadedSettings, type Settings } from '#config/settings.ts';
import { StoreError } from '#db/store.ts';
import { type Arguments, readArguments, usage } from './arguments.ts';
import { createLog } from './log.ts';
import { startService } from './service.ts';
import type { SimulatedMachines } from './simulated-machines.ts';
import { StartError } from './start-error.ts';
import { startTracing } from './start-tracing.ts';

/** For what comes after the conductor's own limit: answers to requests, goodbyes to broker and store. */
const secondsToClose = 15;

try {
  await main();
} catch (error) {
  if (!isForPeople(error)) throw error;
  process.stderr.write(`ingot: ${error.message}\n`);
  process.exitCode = 2;
}

function isForPeople(error: unknown): error is Error {
  return error instanceof StartError || error instanceof ConfigError || error instanceof StoreError;
}

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args === 'help') {
    process.stdout.write(usage);
    return;
  }
  const { settings, warnings } = load(args);
  const tracer = await startTracing(args.role, settings, process.env, (error) => {
    if (error)
      log.warn({ err: error }, 'traces do not reach their collector; those that do not fit are dropped');
    else log.info('traces reach their collector again');
  });
  const log = createLog(settings, { tracer });
  for (const warning of warnings) log.warn(warning);
  const sim = args.sim > 0 ? await startMachines(args.sim, settings) : undefined;
  try {
    const withSim = sim ? load(args, sim.bootFiles).settings : settings;
    const service = await startService(args.role, withSim, log, tracer);
    const where = service.url ?? `conductor ${settings.DEFAULT.host}`;
    process.stdout.write(`Ingot is ready: ${where}\n`);
    if (sim && service.url !== null) process.stdout.write(`\n${sim.introduction(service.url)}\n`);
    const failure = await Promise.race([untilToldToStop(), service.failed]);
    if (failure) {
      log.error({ err: failure }, 'this process cannot go on');
      process.exitCode = 1;
    }
    process.stdout.write('Stopping …\n');
    endAnyway(settings, log);
    await service.stop();
  } finally {
    await sim?.close();
  }
}

/** Loaded only when asked for: a service in earnest needs none of it. */
async function startMachines(count: number, settings: Settings): Promise<SimulatedMachines> {
  const { startSimulatedMachines } = await import('./simulated-machines.ts');
  return await startSimulatedMachines(count, settings.ingot.data_path);
}

async function untilToldToStop(): Promise<undefined> {
  return await new Promise<undefined>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined));
  });
}

/** Whatever does not end in time is cut off: nothing that was committed is lost by it. */
function endAnyway(settings: Settings, log: ReturnType<typeof createLog>): void {
  const seconds = settings.conductor.graceful_shutdown_timeout + secondsToClose;
  setTimeout(() => {
    log.error(`did not come to an end within ${seconds} s; it is cut off`);
    process.exit(1);
  }, seconds * 1000).unref();
}

function load(args: Arguments, bootFiles?: { kernel: string; ramdisk: string }): LoadedSettings {
  return loadSettings(args.config, {
    ...(args.port === undefined ? {} : { api: { port: args.port } }),
    ...(args.data === undefined ? {} : { ingot: { data_path: resolve(args.data) } }),
    ...(bootFiles
      ? {
          conductor: {
            deploy_kernel: `file://${bootFiles.kernel}`,
            deploy_ramdisk: `file://${bootFiles.ramdisk}`,
          },
          // Simulated machines are on this host: they reach it by the loopback, and their agents speak plain HTTP.
          DEFAULT: { my_ip: '127.0.0.1' },
          agent: { require_tls: false },
        }
      : {}),
  });
}
