// SIGKILL of the whole service at every step boundary of cleaning and deployment: each machine comes to `active` with
// the right bytes, and its BMC and its agent saw nothing twice.
import assert from 'node:assert/strict';
import { link, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Checkpoint } from '#sim/checkpoints.ts';
import { freePort } from '#sim/cluster/free-port.ts';
import type { LogEntry } from '#sim/machine-log.ts';
import type { MachineView } from '#sim/sim.ts';
import { BareMetalClient } from '../support/bare-metal-client.ts';
import { createMachine, type DataCentre, enrol, openDataCentre } from '../support/data-centre.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { holdsImage } from '../support/tiny-image.ts';

/** A boundary by its name and how often it came up before, since a step that waits runs more than once. */
interface Boundary {
  name: string;
  occurrence: number;
}

/** How often a boundary of a step that is polled is looked at: its first run, and the one that finds it done. */
const occurrences = 2;
/** A poll may find a step done at once, so a second occurrence is not there in every life of a machine. */
const attempts = 4;
/** Services side by side: a machine spends most of a round in its firmware's self test. */
const lanes = 5;
/** As with real machines, a service that is killed is back before the self test ends and the boot medium is read. */
const timings = { powerOnMs: 80, powerOffMs: 60, postMs: 2500, gracefulMs: 200 };

/** A service of its own, killed and started again on the same port and data. */
class Lane implements AsyncDisposable {
  readonly client: BareMetalClient;
  readonly #centre: DataCentre;
  readonly #folder: string;
  readonly #port: number;
  #service: ServiceProcess | undefined;

  constructor(centre: DataCentre, folder: string, port: number) {
    this.#centre = centre;
    this.#folder = folder;
    this.#port = port;
    this.client = new BareMetalClient(`http://127.0.0.1:${port}`);
  }

  async start(): Promise<void> {
    const { configuration } = this.#centre;
    this.#service = await ServiceProcess.start({ folder: this.#folder, configuration, port: this.#port });
  }

  /** The service was killed from outside; it comes back. */
  async startAgain(): Promise<void> {
    const end = await this.#service?.ended();
    assert.equal(end?.signal, 'SIGKILL');
    await this.start();
  }

  async log(): Promise<string> {
    return (await this.#service?.log()) ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
  }
}

let centre: DataCentre;
const allLanes: Lane[] = [];
let boundaries: Boundary[] = [];
/** The machines that became active, to be looked at once more when all had the time to start. */
const active: string[] = [];

before(async () => {
  centre = await openDataCentre({ imageBytes: 4 * 1024 ** 2, sim: { timeScale: 1, timings } });
  for (let number = 0; number < lanes; number += 1) {
    const folder = join(centre.folder, `lane-${number}`);
    await mkdir(folder);
    const lane = new Lane(centre, folder, await freePort());
    allLanes.push(lane);
    await lane.start();
  }
});

after(async () => {
  for (const lane of allLanes) await lane[Symbol.asyncDispose]();
  await centre[Symbol.asyncDispose]();
});

interface Deployed {
  machine: MachineView;
  uuid: string;
  imagePath: string;
}

/** A machine with an image URL of its own, so that what was fetched for it can be told. */
async function aManageableMachine(lane: Lane, automatedClean: boolean): Promise<Deployed> {
  const machine = await createMachine(centre.sim);
  const imagePath = `/${machine.name}.img`;
  await link(centre.image.path, join(centre.folder, 'images', imagePath));
  const uuid = await enrol(lane.client, machine, centre, {
    automated_clean: automatedClean,
    instance_info: {
      image_source: new URL(imagePath.slice(1), centre.images.url).href,
      image_checksum: centre.image.sha256,
    },
  });
  await lane.client.provision(uuid, 'manage');
  await lane.client.untilState(uuid, 'manageable');
  return { machine, uuid, imagePath };
}

/** Asks for the next state. A request that is cut off by the service's death may or may not have been accepted. */
async function ask(lane: Lane, uuid: string, target: string): Promise<void> {
  await lane.client.provision(uuid, target).catch((error: unknown) => {
    // That is how fetch says that the connection broke; a refusal is another class.
    if (!(error instanceof TypeError)) throw error;
  });
}

/** Brings the machine to active while the service is killed at the boundary. False when it never came there. */
async function deployThroughDeath(lane: Lane, { uuid }: Deployed, boundary: Boundary): Promise<boolean> {
  const trap = centre.sim.checkpoints.arm({ ...boundary, node: uuid });
  let wasHit = false;
  for (const [target, state] of [
    ['provide', 'available'],
    ['active', 'active'],
  ] as const) {
    const goesOn = boundary.name.startsWith('clean:') === (target === 'provide');
    await ask(lane, uuid, target);
    if (!wasHit && goesOn) {
      const reached = lane.client.untilState(uuid, state).then(
        () => undefined,
        (error: unknown) => error,
      );
      const first = await Promise.race([trap.hit, reached]);
      wasHit = first !== undefined && !(first instanceof Error);
      if (wasHit) {
        await reached;
        await lane.startAgain();
      } else trap.disarm();
    }
    await lane.client.untilState(uuid, state);
  }
  return wasHit;
}

/** Everything that would show in the BMC's record, the agent's log or the image server had something been done twice. */
async function assertNothingTwice(
  { machine, uuid, imagePath }: Deployed,
  wasCleaned: boolean,
): Promise<void> {
  const log = centre.sim.log(machine.name);
  assert.ok(await holdsImage(machine.disks[0]?.file ?? '', centre.image), 'the image is on the disk');

  const boots = log.filter((entry) => entry.kind === 'agent-start').length;
  assert.equal(boots, wasCleaned ? 2 : 1, 'the agent is booted once for each flow');
  const starts = resets(log).filter((type) => type === 'On').length;
  assert.equal(starts, boots + 1, 'the machine is powered on for each agent and for its image');
  const others = resets(log).filter((type) => type !== 'On');
  assert.ok(others.length <= (wasCleaned ? 2 : 1), `the machine is not reset besides: ${others.join(', ')}`);
  assertNoAgentIsCutOff(log, uuid);

  const agentLog = await readFile(machine.agent_log ?? '', 'utf8');
  const cleaning = wasCleaned ? ['erase_devices_metadata', 'erase_devices'] : [];
  assert.deepEqual(
    [...agentLog.matchAll(/(\w+) step (\w+) begins/g)].map(([, , step]) => step),
    [...cleaning, 'write_image'],
    'each step of the agent begins once',
  );
  const fetched = centre.images.requests.filter(({ method, path }) => method === 'GET' && path === imagePath);
  assert.deepEqual(
    fetched.map(({ outcome }) => outcome),
    ['whole'],
    'the image is fetched once',
  );
}

/** Resets that had an effect. */
function resets(log: readonly LogEntry[]): unknown[] {
  return log.flatMap((entry) =>
    entry.kind === 'action' && entry.action === 'ComputerSystem.Reset' && entry.result === 'done'
      ? [entry.detail['ResetType']]
      : [],
  );
}

/** Power goes only from an agent whose work the service knows to be over. */
function assertNoAgentIsCutOff(log: readonly LogEntry[], uuid: string): void {
  const cut = log.filter((entry) => entry.kind === 'agent-exit' && entry.because !== null);
  for (const { at } of cut) {
    const last = centre.sim.checkpoints.reached.findLast(
      (checkpoint: Checkpoint) => checkpoint.node === uuid && checkpoint.at <= at,
    );
    assert.match(last?.name ?? '', /tear_down/, `the agent was cut off at ${last?.name}`);
  }
}

/** Every boundary of clean and deploy, in the order they come up. */
function boundariesOf(uuid: string): Boundary[] {
  const counts = new Map<string, number>();
  return centre.sim.checkpoints.reached.flatMap(({ node, name }) => {
    if (node !== uuid || !/^(clean|deploy):/.test(name)) return [];
    const occurrence = (counts.get(name) ?? 0) + 1;
    counts.set(name, occurrence);
    return occurrence <= occurrences ? [{ name, occurrence }] : [];
  });
}

async function tryBoundary(lane: Lane, boundary: Boundary): Promise<void> {
  const wasCleaned = boundary.name.startsWith('clean:');
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const deployed = await aManageableMachine(lane, wasCleaned);
    const wasHit = await deployThroughDeath(lane, deployed, boundary);
    await assertNothingTwice(deployed, wasCleaned);
    active.push(deployed.machine.name);
    if (wasHit) return;
  }
  assert.fail(`no machine came to ${boundary.name} for the ${boundary.occurrence}. time`);
}

describe('a service that is killed', () => {
  test('never, to know the boundaries', async () => {
    const [lane] = allLanes;
    assert.ok(lane);
    const deployed = await aManageableMachine(lane, true);
    await lane.client.provision(deployed.uuid, 'provide');
    await lane.client.untilState(deployed.uuid, 'available');
    await lane.client.provision(deployed.uuid, 'active');
    await lane.client.untilState(deployed.uuid, 'active');
    await assertNothingTwice(deployed, true);
    boundaries = boundariesOf(deployed.uuid);
    assert.ok(boundaries.length > 40, `only ${boundaries.length} boundaries`);
  });

  test('at each of them costs no machine its deployment', { concurrency: lanes }, async (context) => {
    const left = boundaries.values();
    await Promise.all(
      allLanes.map(async (lane) => {
        for (const boundary of left)
          await context.test(
            `${boundary.name} (${boundary.occurrence})`,
            async () => await tryBoundary(lane, boundary),
          );
      }),
    );
  });

  test('and each machine runs what was deployed on it', async () => {
    for (const name of active)
      await centre.sim.waitFor(
        name,
        (entry) => entry.kind === 'boot' && entry.outcome === 'os',
        AbortSignal.timeout(10_000),
      );
  });
});
