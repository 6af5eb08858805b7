// The owner of a node is killed, or frozen until long after it was given up, at every boundary and in the middle of
// every agent command of cleaning and deployment: another conductor goes on from there, and nothing is done twice.
// INGOT_TESTS=long goes through every point (npm run test:long); otherwise a sample of them, always the same.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Checkpoint, Strike } from '#sim/checkpoints.ts';
import type { Cluster } from '#sim/cluster/cluster.ts';
import type { IngotProcess } from '#sim/cluster/ingot-process.ts';
import { BareMetalClient, Refused } from '../support/bare-metal-client.ts';
import { openCluster } from '../support/data-centre-cluster.ts';
import { type DataCentre, openDataCentre } from '../support/data-centre.ts';
import {
  aManageableMachine,
  assertNothingTwice,
  type Boundary,
  boundariesOf,
  type DeployedMachine,
} from '../support/deployed-machine.ts';
import { isLong } from '../support/fleet.ts';
import { until } from '../support/until.ts';

type Place = ({ kind: 'boundary' } & Boundary) | { kind: 'command'; flow: 'clean' | 'deploy'; step: string };
type Point = Place & { strike: Strike };

/** A conductor that was struck, and from where on others were to go on. */
interface Struck {
  readonly process: IngotProcess;
  readonly pid: number;
  /** Of the last checkpoint before. */
  readonly sequence: number;
  readonly logLength: number;
}

const strikes = ['SIGKILL', 'SIGSTOP'] as const satisfies readonly Strike[];
/** The commands that the agent carries out, in their order. */
const commands = [
  { flow: 'clean', step: 'erase_devices_metadata' },
  { flow: 'clean', step: 'erase_devices' },
  { flow: 'deploy', step: 'write_image' },
] as const;
/** Machines side by side; with one conductor more than these, one is always there to go on. */
const lanes = 2;
/** A poll may find a step done at once, so a place may not be there in every life of a machine. */
const attempts = 4;
const sampled = 16;
const mebibyte = 1024 ** 2;

let centre: DataCentre;
let cluster: Cluster;
let client: BareMetalClient;
/** What is still to be done for a conductor that was struck, and whether it can be struck again. */
const down = new Map<IngotProcess, Promise<void>>();
let points: Point[] = [];
const table: string[] = [];

before(async () => {
  centre = await openDataCentre({ imageBytes: 4 * mebibyte });
  cluster = await openCluster(centre, {
    apis: 1,
    conductors: lanes + 1,
    // A call to a conductor that is frozen is soon given up.
    configuration: { DEFAULT: { hash_ring_reset_interval: 0.5, rpc_response_timeout: 2 } },
  });
  client = new BareMetalClient(cluster.url);
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await centre[Symbol.asyncDispose]();
});

function shown(point: Point): string {
  const place =
    point.kind === 'boundary'
      ? `${point.name} (${point.occurrence})`
      : `${point.flow}: while the agent is at ${point.step}`;
  return `${point.strike} at ${place}`;
}

function flowOf(place: Place): 'clean' | 'deploy' {
  if (place.kind === 'command') return place.flow;
  return place.name.startsWith('clean:') ? 'clean' : 'deploy';
}

function lastSequence(): number {
  return centre.sim.checkpoints.reached.at(-1)?.sequence ?? 0;
}

async function struckNow(process: IngotProcess, sequence: number): Promise<Struck> {
  return { process, pid: process.pid, sequence, logLength: (await process.log()).length };
}

/**
 * Resolves once the owner was struck at the point; never, when the signal is aborted before. `strikes` is called at the
 * moment of the blow, before all that is to be known of it was read.
 */
async function strikeAt(
  point: Point,
  { machine, uuid }: DeployedMachine,
  signal: AbortSignal,
  strikes: () => void,
): Promise<Struck> {
  if (point.kind === 'boundary') {
    const { name, occurrence, strike } = point;
    const trap = centre.sim.checkpoints.arm({ name, occurrence, node: uuid }, strike);
    signal.addEventListener('abort', () => trap.disarm(), { once: true });
    const { pid, sequence } = await trap.hit;
    strikes();
    const process = cluster.conductors.find((each) => each.pid === pid);
    assert.ok(process, `the process ${pid} is a conductor`);
    return await struckNow(process, sequence);
  }
  const begun = new RegExp(`${point.flow} step ${point.step} begins`);
  await until(
    async () => await readFile(machine.agent_log ?? '', 'utf8').catch(() => ''),
    (log) => signal.aborted || begun.test(log),
    { everyMilliseconds: 5 },
  );
  const { conductor } = await client.node(uuid);
  const process = cluster.conductors.find(({ host }) => host === conductor);
  if (signal.aborted || !process || down.has(process)) return await new Promise<never>(() => {});
  const struck = await struckNow(process, lastSequence());
  if (signal.aborted) return await new Promise<never>(() => {});
  strikes();
  if (point.strike === 'SIGKILL') void process.kill();
  else process.freeze();
  return struck;
}

/** The first that another conductor came to with the node. */
function firstOfAnother({ pid, sequence }: Struck, uuid: string): Checkpoint | undefined {
  return centre.sim.checkpoints.reached.find(
    (each) => each.sequence > sequence && each.node === uuid && each.pid !== pid,
  );
}

/** Whether the conductor had the node in hand: then another one has to take it, and what it wrote later is refused. */
function hadNode(point: Point): boolean {
  return point.kind === 'boundary' && !point.name.endsWith(':committed');
}

/** Whether a conductor that woke said that it was given up, and that what it was at is not its own any more. */
function isRefused(log: readonly string[], uuid: string, point: Point): boolean {
  return (
    log.some((line) => line.includes('takes its place anew')) &&
    (!hadNode(point) || log.some((line) => line.includes('left an operation') && line.includes(uuid)))
  );
}

/** Who went on: the conductor that came to the next checkpoint; where there need be none, whose the node is instead. */
async function heir(struck: Struck, uuid: string, point: Point): Promise<string | undefined> {
  const next = firstOfAnother(struck, uuid);
  if (next) return cluster.conductors.find(({ pid }) => pid === next.pid)?.host ?? 'one that is gone';
  if (hadNode(point)) return undefined;
  const { host } = struck.process;
  const { alive } = await client.send<{ alive: boolean }>('GET', `/v1/conductors/${host}`);
  return alive ? undefined : `${(await client.node(uuid)).conductor}, whose it is`;
}

/** Leaves the conductor down until another one has its place, then brings it back. Gives who went on. */
async function bringBack(struck: Struck, uuid: string, point: Point): Promise<string> {
  const { process } = struck;
  const host = await until(
    async () => await heir(struck, uuid, point),
    (found) => found !== undefined,
  );
  if (point.strike === 'SIGSTOP') {
    process.thaw();
    await until(
      async () => (await process.log()).slice(struck.logLength).split('\n'),
      (lines) => !process.isAlive || isRefused(lines, uuid, point),
    );
  } else {
    await process.ended();
    await process.start();
  }
  return host ?? '';
}

/** Ensures that a conductor that others struck too is brought back once. */
async function bringBackInTurn(struck: Struck, uuid: string, point: Point): Promise<string> {
  const { process } = struck;
  await down.get(process);
  const coming = bringBack(struck, uuid, point);
  const settled = coming.then(
    () => {},
    () => {},
  );
  down.set(process, settled);
  try {
    return await coming;
  } catch (error) {
    // What is wrong at one point is told for that one only.
    process.thaw();
    if (!process.isAlive) await process.start();
    throw error;
  } finally {
    down.delete(process);
  }
}

interface Life {
  struck: Struck;
  goneOnBy: string;
}

/** Brings the machine to active. Undefined when it never came to the point. */
async function deployThrough(point: Point, deployed: DeployedMachine): Promise<Life | undefined> {
  const { uuid } = deployed;
  const over = new AbortController();
  let life: Life | undefined;
  for (const [flow, target, state] of [
    ['clean', 'provide', 'available'],
    ['deploy', 'active', 'active'],
  ] as const) {
    const isHere = flowOf(point) === flow;
    let isStruck = false;
    const striking = isHere ? strikeAt(point, deployed, over.signal, () => (isStruck = true)) : undefined;
    const reached = ask(uuid, target).then(async () => void (await client.untilState(uuid, state)));
    reached.catch(() => {});
    const first = await Promise.race([striking, reached].filter((each) => each !== undefined));
    if (isHere) over.abort();
    // At the last boundary the end may be seen first: who was struck there is to be brought back all the same.
    const struck = first ?? (isStruck ? await striking : undefined);
    if (struck) life = { struck, goneOnBy: await bringBackInTurn(struck, uuid, point) };
    await reached;
  }
  return life;
}

/** A request that its conductor's death cut off may or may not have been accepted; then the state tells. */
async function ask(uuid: string, target: string): Promise<void> {
  const { provision_state: before } = await client.node(uuid);
  await until(
    async () => {
      try {
        await client.provision(uuid, target);
        return true;
      } catch {
        return (await client.node(uuid)).provision_state !== before;
      }
    },
    (isAccepted) => isAccepted,
  );
}

/** Another machine, if it has to be, than one whose conductor the other lane struck just then. */
async function enrolled(isCleaned: boolean): Promise<DeployedMachine> {
  for (;;) {
    try {
      return await aManageableMachine(centre, client, { isCleaned });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 503) throw error;
    }
  }
}

async function tryPoint(point: Point): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const began = performance.now();
    const deployed = await enrolled(flowOf(point) === 'clean');
    const life = await deployThrough(point, deployed);
    await assertNothingTwice(centre, deployed);
    if (!life) continue;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const { host } = life.struck.process;
    table.push(`${shown(point).padEnd(72)} ${host}, then ${life.goneOnBy}: active in ${seconds} s`);
    return;
  }
  assert.fail(`no machine came to ${shown(point)}`);
}

/** Everywhere in the list, the same at every run. */
function sampleOf(all: readonly Point[]): Point[] {
  return Array.from({ length: sampled }, (_, index) => all[Math.floor((index * all.length) / sampled)]!); // within
}

describe('the owner of a node', () => {
  test('that nobody strikes, to know the points', async () => {
    const deployed = await aManageableMachine(centre, client, { isCleaned: true });
    await client.provision(deployed.uuid, 'provide');
    await client.untilState(deployed.uuid, 'available');
    await client.provision(deployed.uuid, 'active');
    await client.untilState(deployed.uuid, 'active');
    await assertNothingTwice(centre, deployed);
    const boundaries = boundariesOf(centre, deployed.uuid);
    assert.ok(boundaries.length > 40, `only ${boundaries.length} boundaries`);
    const places: Place[] = [
      ...commands.map((command): Place => ({ kind: 'command', ...command })),
      ...boundaries.map((boundary): Place => ({ kind: 'boundary', ...boundary })),
    ];
    const all = strikes.flatMap((strike) => places.map((place): Point => ({ ...place, strike })));
    points = isLong ? all : sampleOf(all);
  });

  test('costs no machine its deployment when it is struck', { concurrency: lanes }, async (context) => {
    const left = points.values();
    const lane = async (): Promise<void> => {
      for (const point of left) await context.test(shown(point), async () => await tryPoint(point));
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    for (const row of table) context.diagnostic(row);
  });
});
