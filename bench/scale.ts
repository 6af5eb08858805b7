// What a fleet costs: nodes of simulated machines by the thousand, on either database.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '#sim/cluster/postgres.ts';
import { BenchError } from './bench-error.ts';
import { Client } from './client.ts';
import { describeLatency, type Latency, probeWhile } from './latency-probe.ts';
import { repeatTimes } from './measure.ts';
import { ProcessGroup, readTicksPerSecond } from './processes.ts';
import { table } from './report.ts';
import { startIngot } from './targets.ts';

export type Database = 'sqlite' | 'postgresql';

export interface ScaleOptions {
  /** Rising: the fleet grows from each to the next. */
  readonly sizes: readonly number[];
  readonly databases: readonly Database[];
  /** How long each BMC takes for an answer. */
  readonly bmcMilliseconds: number;
}

export interface FleetCost {
  readonly database: Database;
  readonly nodes: number;
  /** Processor time of the service for each node that was enrolled and verified. */
  readonly enrolMilliseconds: number;
  readonly residentMegabytes: number;
  /** Beyond what the empty service had. */
  readonly megabytesPerThousand: number;
  readonly show: Latency;
  readonly sync: {
    readonly seconds: number;
    readonly cpuMillisecondsPerNode: number;
    readonly show: Latency;
  };
}

const writers = 32;
const probesPerSecond = 50;
/** Between two passes over the power states: as long as the quiet is measured, and a moment. */
const syncSpacingSeconds = 6;
const idleMilliseconds = 5500;
const syncWorkers = 100;

/** Starts simulator, database and Ingot, measures, ends them. `tell` hears of the progress. */
export async function runScale(options: ScaleOptions, tell: (line: string) => void): Promise<FleetCost[]> {
  await using stack = new AsyncDisposableStack();
  const most = Math.max(...options.sizes);
  tell(`starts ${most} simulated machines whose BMCs take ${options.bmcMilliseconds} ms`);
  const sim = stack.use(await startMachines(most, options.bmcMilliseconds));
  const costs: FleetCost[] = [];
  for (const database of options.databases)
    costs.push(...(await measureFleet(database, options.sizes, sim.machines, tell)));
  return costs;
}

interface SimulatedMachine {
  readonly name: string;
  readonly uuid: string;
  readonly driver_info: Readonly<Record<string, string>>;
}

interface Machines extends AsyncDisposable {
  readonly machines: readonly SimulatedMachine[];
}

async function startMachines(count: number, bmcMilliseconds: number): Promise<Machines> {
  const entry = join(import.meta.dirname, '..', 'src', 'bin', 'sim.ts');
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...process.execArgv,
      entry,
      '--machines',
      String(count),
      '--kind',
      'memory',
      '--bmcs',
      'shared',
      '--bmc-delay',
      String(bmcMilliseconds),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  const output = child.stdout;
  if (!output) throw new BenchError('The simulator has no output.');
  const ready = once(createInterface({ input: output }), 'line') as Promise<[string]>;
  const first = await Promise.race([ready, ended.then(() => undefined)]);
  if (!first) throw new BenchError('The simulator did not start.');
  const { url } = JSON.parse(first[0]) as { url: string };
  const { machines } = (await (await fetch(`${url}/sim/v1/machines`)).json()) as {
    machines: SimulatedMachine[];
  };
  return {
    // Without what the list says of their hardware, which a hundred thousand times is much.
    machines: machines.map(({ name, uuid, driver_info }) => ({ name, uuid, driver_info })),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A private PostgreSQL that ends with the stack; gives where it is. */
async function startDatabase(stack: AsyncDisposableStack): Promise<string> {
  const postgres = await startPostgres();
  stack.defer(async () => await postgres.remove());
  return postgres.url;
}

/** How many passes over the power states the service has ended, and how long they took together. */
async function readPasses(client: Client): Promise<{ count: number; seconds: number }> {
  const { text } = await client.send('GET', '/metrics');
  const value = (name: string): number => {
    const row = new RegExp(
      `^ingot_periodic_task_seconds_${name}\\{[^}]*task="sync-power-state"[^}]*\\} (.*)$`,
      'm',
    );
    return Number(row.exec(text)?.[1] ?? 0);
  };
  return { count: value('count'), seconds: value('sum') };
}

/** How long the next pass to end took. */
async function nextPass(client: Client): Promise<number> {
  const before = await readPasses(client);
  for (;;) {
    await sleep(200);
    const now = await readPasses(client);
    if (now.count > before.count) return (now.seconds - before.seconds) / (now.count - before.count);
  }
}

async function measureFleet(
  database: Database,
  sizes: readonly number[],
  machines: readonly SimulatedMachine[],
  tell: (line: string) => void,
): Promise<FleetCost[]> {
  await using stack = new AsyncDisposableStack();
  const connection = database === 'postgresql' ? await startDatabase(stack) : undefined;
  const target = await startIngot([], configuration(connection));
  stack.defer(async () => await target.stop());
  const client = stack.use(new Client(target.url, writers));
  const processes = new ProcessGroup(target.pids, readTicksPerSecond());
  const empty = processes.memory().residentMegabytes;
  const costs: FleetCost[] = [];
  let enrolled = 0;
  for (const size of sizes) {
    tell(`${database}: enrols ${size - enrolled} nodes more, to ${size}`);
    const before = processes.cpuSeconds();
    await enrol(client, machines.slice(enrolled, size));
    await untilVerified(client, tell);
    const enrolMilliseconds = ((processes.cpuSeconds() - before) * 1000) / (size - enrolled);
    enrolled = size;
    const pathOf = (index: number): string => `/v1/nodes/${machines[(index * 7919) % size]?.uuid ?? ''}`; // A prime: all over the fleet.
    tell(`${database}, ${size} nodes: a pass over all power states`);
    await nextPass(client);
    const idle = await probeWhile(client, pathOf, probesPerSecond, async () => await sleep(idleMilliseconds));
    const cpuBefore = processes.cpuSeconds();
    const pass = await probeWhile(client, pathOf, probesPerSecond, async () => await nextPass(client));
    const cpu = processes.cpuSeconds() - cpuBefore;
    const { residentMegabytes } = processes.memory();
    costs.push({
      database,
      nodes: size,
      enrolMilliseconds,
      residentMegabytes,
      megabytesPerThousand: ((residentMegabytes - empty) * 1000) / size,
      show: idle.latency,
      sync: { seconds: pass.result, cpuMillisecondsPerNode: (cpu * 1000) / size, show: pass.latency },
    });
    tell(describeCost(costs.at(-1)));
  }
  return costs;
}

function configuration(connection: string | undefined): string {
  return `[DEFAULT]
host = bench
enabled_hardware_types = redfish
enabled_power_interfaces = redfish
enabled_management_interfaces = redfish
enabled_boot_interfaces = redfish-virtual-media
enabled_deploy_interfaces = direct
enabled_bios_interfaces = no-bios
enabled_inspect_interfaces = redfish
[conductor]
sync_power_state_interval = ${syncSpacingSeconds}
sync_power_state_workers = ${syncWorkers}
workers_pool_size = 300
[ingot]
metrics = true
; One address stands for the BMCs of the whole fleet.
bmc_requests_per_bmc = ${syncWorkers}
bmc_queue_limit = 1000
${connection === undefined ? '' : `[database]\nconnection = ${connection}\n`}`;
}

async function enrol(client: Client, machines: readonly SimulatedMachine[]): Promise<void> {
  await repeatTimes(machines.length, writers, async (index) => {
    const machine = machines[index];
    if (!machine) return;
    const { uuid, name, driver_info } = machine;
    await client.json('POST', '/v1/nodes', 201, { uuid, name, driver: 'redfish', driver_info });
    for (;;) {
      const answer = await client.send('PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'manage' });
      if (answer.status === 202) return;
      if (answer.status !== 503 && answer.status !== 409)
        throw new BenchError(`manage of ${uuid} was answered with ${answer.status}: ${answer.text}`);
      await sleep(250);
    }
  });
}

async function untilVerified(client: Client, tell: (line: string) => void): Promise<void> {
  for (;;) {
    const left = await firstIn(client, 'verifying');
    const failed = await firstIn(client, 'enroll');
    if (!left && failed) throw new BenchError(`Node ${failed.uuid} was not verified: ${failed.last_error}`);
    if (!left) return;
    tell('waits for the last to be verified');
    await sleep(1000);
  }
}

async function firstIn(
  client: Client,
  state: string,
): Promise<{ uuid: string; last_error: string | null } | undefined> {
  const path = `/v1/nodes?provision_state=${state}&limit=1&fields=uuid,last_error`;
  // The list's form is the API's own.
  const { nodes } = (await client.json('GET', path, 200)) as {
    nodes: { uuid: string; last_error: string | null }[];
  };
  return nodes[0];
}

function describeCost(cost: FleetCost | undefined): string {
  if (!cost) return '';
  return (
    `${cost.database}, ${cost.nodes} nodes: sync in ${cost.sync.seconds.toFixed(1)} s, ` +
    `show meanwhile ${describeLatency(cost.sync.show)}, ${cost.residentMegabytes.toFixed(0)} MB`
  );
}

export function describeScale(costs: readonly FleetCost[]): string {
  const head = [
    'database',
    'nodes',
    'enrol CPU ms',
    'resident MB',
    'MB per 1000',
    'show p99 ms',
    'sync s',
    'sync CPU ms/node',
    'show p99 in sync ms',
  ];
  const rows = costs.map((cost) => [
    cost.database,
    String(cost.nodes),
    cost.enrolMilliseconds.toFixed(2),
    cost.residentMegabytes.toFixed(0),
    cost.megabytesPerThousand.toFixed(2),
    cost.show.p99?.toFixed(1) ?? '–',
    cost.sync.seconds.toFixed(1),
    cost.sync.cpuMillisecondsPerNode.toFixed(3),
    cost.sync.show.p99?.toFixed(1) ?? '–',
  ]);
  return table([head, ...rows]);
}
