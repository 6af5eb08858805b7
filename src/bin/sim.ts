// A simulated data centre as a process of its own. Prints one line of JSON with its addresses when it is ready.
import { parseArgs } from 'node:util';
import { messageOf } from '#model/message.ts';
import { type Sim, startSim, type SimOptions } from '#sim/sim.ts';

const usage = `Usage: node src/bin/sim.ts [options]

  --machines N         how many to begin with (default 3)
  --kind KIND          process: each with the real agent and disks in files (default); memory: none of that, for thousands
  --data FOLDER        where disks and logs are kept; without it, in a folder that is removed at the end
  --port P             of the control API (default: a free one)
  --bmcs each|shared   a port for each BMC (default), or one for all
  --bmc-port P         of the shared BMC, or of the first (default: a free one)
  --bmc-delay MS       so late BMCs answer
  --seed TEXT          the same seed makes the same UUIDs and MAC addresses
  --time-scale X       multiplies what machines take: 0.1 is ten times as fast
  --images FOLDER      serves its files over HTTP
  --tls                BMCs have certificates that they sign themselves
`;

type Options = SimOptions & { bmcDelay: number };

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage);
    return 0;
  }
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    // Of what parseArgs says, the rest is about how to write positional arguments.
    const [reason] = messageOf(error).split(/\. |\.?\n/, 1);
    return failed(`${reason}. The options are explained by --help.`);
  }
  try {
    const { bmcDelay, ...given } = options;
    const sim = await startSim(given);
    if (bmcDelay > 0)
      for (const { name } of sim.list())
        sim.setFault(name, { kind: 'slow', milliseconds: bmcDelay }, 'delay');
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sim.close());
    process.stdout.write(`${JSON.stringify(addressesOf(sim))}\n`);
    return 0;
  } catch (error) {
    return failed(messageOf(error));
  }
}

function failed(reason: string): number {
  process.stderr.write(`sim: ${reason}\n`);
  return 2;
}

function addressesOf(sim: Sim): object {
  return {
    pid: process.pid,
    url: sim.url,
    checkpoints: `${sim.url}/sim/v1/checkpoints`,
    bmc_address: sim.bmcAddress,
    images: sim.images?.url ?? null,
    machines: sim.list().length,
  };
}

function readOptions(args: string[]): Options {
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
  throw new Error(`${option} takes a whole number up to ${most}, not '${value}'`);
}

function positiveNumber(option: string, value: string): number {
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new Error(`${option} takes a number above 0, not '${value}'`);
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((item) => item === value);
  if (found !== undefined) return found;
  throw new Error(`${option} takes ${allowed.join(' or ')}, not '${value}'`);
}
