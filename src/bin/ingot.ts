#!/usr/bin/env -S node --max-semi-space-size=16
// The all-in-one service: API, conductor and embedded store in one process, with simulated machines if asked for.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from '#config/config-error.ts';
import { loadSettings, type LoadedSettings, type Settings } from '#config/settings.ts';
import { StoreError } from '#db/store.ts';
import { messageOf } from '#model/message.ts';
import { createLog } from './log.ts';
import { startService } from './service.ts';
import type { SimulatedMachines } from './simulated-machines.ts';
import { StartError } from './start-error.ts';

const usage = `Usage: npm start -- [--port N] [--data FOLDER] [--config FILE] [--sim N]

  --port N       where the API listens on 127.0.0.1 (default 6385; 0 takes a free port)
  --data FOLDER  everything that is kept (default ./var)
  --config FILE  settings in Ironic's form, such as an ironic.conf
  --sim N        N simulated machines with Redfish BMCs, to try it on
`;

interface Arguments {
  port?: number;
  data?: string;
  config?: string;
  sim: number;
}

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
  const log = createLog(settings);
  for (const warning of warnings) log.warn(warning);
  const sim = args.sim > 0 ? await startMachines(args.sim, settings) : undefined;
  try {
    const service = await startService(sim ? load(args, sim.bootFiles).settings : settings, log);
    process.stdout.write(`Ingot is ready: ${service.url}\n`);
    if (sim) process.stdout.write(`\n${sim.introduction(service.url)}\n`);
    await untilToldToStop();
    process.stdout.write('Stopping …\n');
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

async function untilToldToStop(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
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

function readArguments(given: string[]): Arguments | 'help' {
  const { values } = parseOrExplain(given);
  if (values.help) return 'help';
  return {
    sim: values.sim === undefined ? 0 : wholeNumber('--sim', values.sim, 1000),
    ...(values.port === undefined ? {} : { port: wholeNumber('--port', values.port, 65_535) }),
    ...(values.data === undefined ? {} : { data: values.data }),
    ...(values.config === undefined ? {} : { config: values.config }),
  };
}

function parseOrExplain(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        config: { type: 'string' },
        sim: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    // The first sentence says what is wrong; further ones are hints on the form of arguments.
    const reason = messageOf(cause).split(/\. |\.?\n/, 1)[0];
    throw new StartError(
      `${reason}. The options are --port, --data, --config and --sim; --help explains them.`,
      { cause },
    );
  }
}

function wholeNumber(option: string, value: string, most: number): number {
  const number = Number(value);
  if (value !== '' && Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw new StartError(`${option} takes a whole number from 0 to ${most}, not '${value}'.`);
}
