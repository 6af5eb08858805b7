// npm run cluster: Ingot scaled out on this host, with machines to try it on, until Ctrl-C.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { messageOf } from '#model/message.ts';
import { type DiskImage, makeDiskImage } from '../disk-image.ts';
import { introduce } from '../introduction.ts';
import { type Sim, startSim } from '../sim.ts';
import { type StandInRamdisk, writeStandInRamdisk } from '../stand-in-ramdisk.ts';
import { type Cluster, startCluster } from './cluster.ts';
import type { Configuration } from './configuration-file.ts';
import { type Supervised, supervise } from './supervise.ts';

const usage = `Usage: npm run cluster [-- [--machines N] [--apis N] [--conductors N]]

  --machines N    simulated machines with Redfish BMCs (default 3)
  --apis N        API processes, behind one load balancer (default 2)
  --conductors N  conductor processes (default 3)

PostgreSQL and NATS are private to it; where they are not installed, Debian's packages are.
`;

const imageBytes = 256 * 1024 ** 2;
/** Long enough to see what becomes of the work of one that died, and how requests are answered without it. */
const awaySeconds = 30;
const mostMachines = 200;
const mostProcesses = 16;

interface Options {
  machines: number;
  apis: number;
  conductors: number;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === 'string') {
    const asked = options === usage;
    (asked ? process.stdout : process.stderr).write(options);
    return asked ? 0 : 2;
  }
  const interrupted = Promise.withResolvers<void>();
  // More than once, too: the terminal tells npm and this, and npm tells this again.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.resolve());
  const started = startAll(options);
  try {
    const { cluster, sim, image, resources, folder } = await started;
    say(`\n${whatRunsWhere(cluster, folder)}\n`);
    say(
      introduce({
        apiUrl: cluster.url,
        controlUrl: sim.url,
        image: { url: `${sim.images?.url}disk.img`, sha256: image.sha256 },
        machines: sim.list(),
        afterwards: 'nothing of it is kept.',
      }),
    );
    const supervisor = supervise(processesOf(cluster), { afterSeconds: awaySeconds, tell: say });
    await interrupted.promise;
    await supervisor[Symbol.asyncDispose]();
    say('\nEnding: conductors, APIs, NATS, PostgreSQL, machines …');
    await cluster.stop();
    await resources.disposeAsync();
    return 0;
  } catch (error) {
    process.stderr.write(`cluster: ${messageOf(error)}\n`);
    return 1;
  }
}

interface Running {
  cluster: Cluster;
  sim: Sim;
  image: DiskImage;
  folder: string;
  /** All but the cluster. */
  resources: AsyncDisposableStack;
}

async function startAll(options: Options): Promise<Running> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ingot-cluster-'));
  starting.defer(async () => await rm(folder, { recursive: true, force: true }));
  say('Making a disk image and simulated machines …');
  const imagesFolder = join(folder, 'images');
  await mkdir(imagesFolder);
  const image = await makeDiskImage(join(imagesFolder, 'disk.img'), { sizeBytes: imageBytes });
  const ramdisk = await writeStandInRamdisk(join(folder, 'ramdisk'));
  const sim = starting.use(
    await startSim({ kind: 'process', dataFolder: join(folder, 'sim'), imagesFolder }),
  );
  for (let number = 1; number <= options.machines; number += 1)
    await sim.createMachine({ name: `sim-${number}` });
  const cluster = await startCluster({
    folder,
    apis: options.apis,
    conductors: options.conductors,
    configuration: configurationFor(ramdisk),
    tell: (what) => say(`Starting ${what} …`),
  });
  return { cluster, sim, image, folder, resources: starting.move() };
}

function processesOf({ apis, conductors, postgres, nats }: Cluster): Supervised[] {
  const services = [...apis, ...conductors].map((each) => ({
    name: each.host,
    pid: () => each.pid,
    restart: async () => await each.start(),
  }));
  return [...services, { name: 'PostgreSQL', ...postgres }, { name: 'NATS', ...nats }];
}

/** A conductor that dies is missed soon enough to be watched; APIs tell how they are. */
function configurationFor({ kernel, ramdisk }: StandInRamdisk): Configuration {
  return {
    conductor: {
      deploy_kernel: pathToFileURL(kernel).href,
      deploy_ramdisk: pathToFileURL(ramdisk).href,
      heartbeat_interval: 1,
      heartbeat_timeout: 5,
    },
    healthcheck: { enabled: true },
    ingot: { metrics: true },
    // The agents are on this host and speak plain HTTP on the loopback.
    agent: { require_tls: false },
  };
}

function whatRunsWhere({ url, apis, conductors, postgres, nats }: Cluster, folder: string): string {
  const rows: [what: string, where: string, pid: number | undefined][] = [
    ['load balancer', url, process.pid],
    ...apis.map((api): (typeof rows)[number] => [api.host, api.url, api.pid]),
    ...conductors.map((each): (typeof rows)[number] => [each.host, each.logFile, each.pid]),
    ['PostgreSQL', postgres.url, postgres.pid()],
    ['NATS', nats.url, nats.pid()],
  ];
  const width = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length));
  const [what, where] = [width(0), width(1)];
  const [some] = conductors;
  return [
    ...rows.map(([name, place, pid]) => `  ${name.padEnd(what)}  ${place.padEnd(where)}  pid ${pid}`),
    `  ${'files'.padEnd(what)}  ${folder}`,
    '',
    `Kill what you like, and see what becomes of the machines; what was killed is started again ${awaySeconds} s later:`,
    '',
    `curl -s '${url}/v1/nodes?fields=name,conductor,provision_state' -H 'X-OpenStack-Ironic-API-Version: latest'`,
    `curl -s ${url}/v1/conductors -H 'X-OpenStack-Ironic-API-Version: latest'`,
    `curl -s ${url}/ingot/v1/nodes/sim-1/explain`,
    `curl -s ${url}/metrics`,
    `curl -sN ${url}/ingot/v1/events -H 'Accept: text/event-stream'`,
    `kill -9 ${some?.pid}`,
  ].join('\n');
}

/** Or what to print instead of starting. */
function readOptions(args: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        machines: { type: 'string', default: '3' },
        apis: { type: 'string', default: '2' },
        conductors: { type: 'string', default: '3' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return usage;
    return {
      machines: wholeNumber('--machines', values.machines, mostMachines),
      apis: wholeNumber('--apis', values.apis, mostProcesses),
      conductors: wholeNumber('--conductors', values.conductors, mostProcesses),
    };
  } catch (error) {
    const reason = messageOf(error).split(/\. |\.?\n/, 1)[0];
    return `cluster: ${reason}. The options are --machines, --apis and --conductors; --help explains them.\n`;
  }
}

function wholeNumber(option: string, value: string, most: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new Error(`${option} takes a whole number from 1 to ${most}, not '${value}'`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
