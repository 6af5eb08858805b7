// A simulated data centre as a process of its own. Prints one line of JSON with its addresses when it is ready.
import { parseArgs } from 'node:util';
import { messageOf } from '#model/message.ts';
import { startSim, type SimOptions } from '#sim/sim.ts';

const usage =
  'sim [--machines N] [--kind memory|process] [--data DIR] [--port P] [--bmcs each|shared] [--bmc-port P] [--bmc-delay MS] [--seed TEXT] [--time-scale X] [--images DIR] [--tls]';

try {
  const { bmcDelay, ...options } = readOptions(process.argv.slice(2));
  const sim = await startSim(options);
  if (bmcDelay > 0)
    for (const { name } of sim.list()) sim.setFault(name, { kind: 'slow', milliseconds: bmcDelay }, 'delay');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sim.close());
  process.stdout.write(
    `${JSON.stringify({
      pid: process.pid,
      url: sim.url,
      checkpoints: `${sim.url}/sim/v1/checkpoints`,
      bmc_address: sim.bmcAddress,
      images: sim.images?.url ?? null,
      machines: sim.list().length,
    })}\n`,
  );
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}

function readOptions(args: string[]): SimOptions & { bmcDelay: number } {
  const { values } = parseArgs({
    args,
    options: {
      machines: { type: 'string', default: '3' },
      kind: { type: 'string', default: 'process' },
      data: { type: 'string' },
      port: { type: 'string', default: '0' },
      bmcs: { type: 'string', default: 'each' },
      'bmc-port': { type: 'string', default: '0' },
      'bmc-delay': { type: 'string', default: '0' },
      seed: { type: 'string' },
      'time-scale': { type: 'string', default: '1' },
      images: { type: 'string' },
      tls: { type: 'boolean', default: false },
    },
  });
  return {
    machines: wholeNumber('--machines', values.machines, 1_000_000),
    kind: oneOf('--kind', values.kind, ['memory', 'process']),
    bmcs: oneOf('--bmcs', values.bmcs, ['each', 'shared']),
    port: wholeNumber('--port', values.port, 65_535),
    bmcPort: wholeNumber('--bmc-port', values['bmc-port'], 65_535),
    bmcDelay: wholeNumber('--bmc-delay', values['bmc-delay'], 600_000),
    timeScale: positiveNumber('--time-scale', values['time-scale']),
    ...(values.data !== undefined && { dataFolder: values.data }),
    ...(values.seed !== undefined && { seed: values.seed }),
    ...(values.images !== undefined && { imagesFolder: values.images }),
    ...(values.tls && { tls: 'self-signed' }),
  };
}

function wholeNumber(option: string, value: string, most: number): number {
  const number = Number(value);
  if (value !== '' && Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw new Error(`${option} takes a whole number up to ${most}, not "${value}". Usage: ${usage}`);
}

function positiveNumber(option: string, value: string): number {
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new Error(`${option} takes a number above 0, not "${value}". Usage: ${usage}`);
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((item) => item === value);
  if (found !== undefined) return found;
  throw new Error(`${option} takes ${allowed.join(' or ')}, not "${value}". Usage: ${usage}`);
}
