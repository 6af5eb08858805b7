// SIGKILL of the whole service at every step boundary of cleaning and deployment: each machine comes to `active` with
// the right bytes, and its BMC and its agent saw nothing twice.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '#sim/cluster/free-port.ts';
import { BareMetalClient } from '../support/bare-metal-client.ts';
import { type DataCentre, openDataCentre } from '../support/data-centre.ts';
import {
  aManageableMachine,
  assertNothingTwice,
  type Boundary,
  boundariesOf,
  type DeployedMachine,
} from '../support/deployed-machine.ts';
import { ServiceProcess } from '../support/service-process.ts';

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

/** Asks for the next state. A request that is cut off by the service's death may or may not have been accepted. */
async function ask(lane: Lane, uuid: string, target: string): Promise<void> {
  await lane.client.provision(uuid, target).catch((error: unknown) => {
    // That is how fetch says that the connection broke; a refusal is another class.
    if (!(error instanceof TypeError)) throw error;
  });
}

/** Brings the machine to active while the service is killed at the boundary. False when it never came there. */
async function deployThroughDeath(
  lane: Lane,
  { uuid }: DeployedMachine,
  boundary: Boundary,
): Promise<boolean> {
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

async function tryBoundary(lane: Lane, boundary: Boundary): Promise<void> {
  const isCleaned = boundary.name.startsWith('clean:');
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const deployed = await aManageableMachine(centre, lane.client, { isCleaned });
    const wasHit = await deployThroughDeath(lane, deployed, boundary);
    await assertNothingTwice(centre, deployed);
    active.push(deployed.machine.name);
    if (wasHit) return;
  }
  assert.fail(`no machine came to ${boundary.name} for the ${boundary.occurrence}. time`);
}

describe('a service that is killed', () => {
  test('never, to know the boundaries', async () => {
    const [lane] = allLanes;
    assert.ok(lane);
    const deployed = await aManageableMachine(centre, lane.client, { isCleaned: true });
    await lane.client.provision(deployed.uuid, 'provide');
    await lane.client.untilState(deployed.uuid, 'available');
    await lane.client.provision(deployed.uuid, 'active');
    await lane.client.untilState(deployed.uuid, 'active');
    await assertNothingTwice(centre, deployed);
    boundaries = boundariesOf(centre, deployed.uuid);
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
