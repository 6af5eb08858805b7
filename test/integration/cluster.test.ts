// The service as processes of their own, over PostgreSQL and NATS: two APIs, three conductors, machines.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Cluster } from '#sim/cluster/cluster.ts';
import type { IngotProcess } from '#sim/cluster/ingot-process.ts';
import type { MachineView } from '#sim/sim.ts';
import { BareMetalClient, Refused } from '../support/bare-metal-client.ts';
import { openCluster } from '../support/data-centre-cluster.ts';
import {
  createMachine,
  type DataCentre,
  enrol,
  makeAvailable,
  openDataCentre,
} from '../support/data-centre.ts';
import { holdsImage } from '../support/tiny-image.ts';
import { until } from '../support/until.ts';

let centre: DataCentre;
let cluster: Cluster;
/** Of one API each. */
let first: BareMetalClient;
let second: BareMetalClient;

/** So many that each of a few conductors has some. */
const fakeNodes = 32;

before(async () => {
  centre = await openDataCentre();
  // What is felt at once is felt by signals: nobody looks again before the test is over.
  cluster = await openCluster(centre, { configuration: { DEFAULT: { hash_ring_reset_interval: 600 } } });
  const [one, other] = cluster.apis;
  assert.ok(one && other);
  first = new BareMetalClient(one.url);
  second = new BareMetalClient(other.url);
  for (let number = 1; number <= fakeNodes; number += 1)
    await first.createNode({ name: `fake-${number}`, driver: 'fake-hardware' });
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await centre[Symbol.asyncDispose]();
});

async function aMachine(): Promise<{ machine: MachineView; uuid: string }> {
  const machine = await createMachine(centre.sim);
  const uuid = await enrol(first, machine, centre, { automated_clean: false });
  await makeAvailable(second, uuid);
  return { machine, uuid };
}

async function assertDeployed({ machine, uuid }: { machine: MachineView; uuid: string }): Promise<void> {
  await second.untilState(uuid, 'active');
  assert.ok(await holdsImage(machine.disks[0]?.file ?? '', centre.image), 'the image is on the disk');
}

function hosts(): string[] {
  return cluster.conductors.filter((each) => each.isAlive).map(({ host }) => host);
}

/** Those to whom nodes belong, by what an API says. */
async function owners(client: BareMetalClient): Promise<string[]> {
  return [...new Set((await client.conductors()).values())].map(String).toSorted();
}

async function ownerOf(uuid: string): Promise<IngotProcess> {
  const { conductor } = await second.node(uuid);
  const owner = cluster.conductors.find(({ host }) => host === conductor);
  assert.ok(owner, `the conductor ${conductor} is one of the cluster's`);
  return owner;
}

/** What the API says meanwhile: either that it works, or 503 with a time to come back. Anything else is thrown. */
async function isRefusedForNow(request: () => Promise<unknown>): Promise<boolean> {
  try {
    await request();
    return false;
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    assert.equal(error.status, 503, error.message);
    assert.ok((error.retryAfterSeconds ?? 0) > 0, 'it says when to come back');
    return true;
  }
}

describe('a cluster', () => {
  test('deploys a machine that one API enrolled and the other one shows', async () => {
    const machine = await createMachine(centre.sim);
    const uuid = await enrol(first, machine, centre);
    await makeAvailable(second, uuid);
    await first.provision(uuid, 'active');
    await assertDeployed({ machine, uuid });
  });

  test('divides the nodes among its conductors, and every API says so alike', async () => {
    assert.deepEqual(await owners(first), hosts());
    assert.deepEqual(await first.conductors(), await second.conductors());
  });

  test('gives nodes to a conductor that joins, at once', async () => {
    const added = await cluster.addConductor();
    await until(
      () => owners(first),
      (found) => found.includes(added.host),
    );
    await until(
      () => owners(second),
      (found) => found.includes(added.host),
    );
  });

  test('takes the nodes of a conductor that leaves, with what they wait for', async () => {
    const deployed = await aMachine();
    await first.provision(deployed.uuid, 'active');
    await second.until(deployed.uuid, ({ provision_state: state }) => state === 'wait call-back');
    const owner = await ownerOf(deployed.uuid);
    assert.deepEqual(await owner.stop(), { status: 0, signal: null });
    await until(
      () => owners(first),
      (found) => !found.includes(owner.host),
    );
    await assertDeployed(deployed);
    await owner.start();
  });

  test('finishes what a conductor was at that was killed', async () => {
    const deployed = await aMachine();
    const trap = centre.sim.checkpoints.arm({ name: 'deploy:deploy.write_image:run', node: deployed.uuid });
    await first.provision(deployed.uuid, 'active');
    const { pid } = await trap.hit;
    const owner = cluster.conductors.find((each) => each.pid === pid);
    assert.ok(owner);
    assert.equal((await owner.ended()).signal, 'SIGKILL');
    await assertDeployed(deployed);
    await until(
      () => owners(first),
      (found) => !found.includes(owner.host),
    );
    await owner.start();
  });

  test('says 503 and when to come back while its broker is away, and works when it is back', async () => {
    const uuid = await first.createNode({ driver: 'fake-hardware' });
    await cluster.nats.stop();
    const ask = async (): Promise<void> => await first.provision(uuid, 'manage');
    assert.ok(await isRefusedForNow(ask));
    assert.equal((await first.node(uuid)).provision_state, 'enroll', 'what needs no conductor is answered');
    await cluster.nats.restart();
    await until(
      () => isRefusedForNow(ask),
      (isRefused) => !isRefused,
    );
    await second.untilState(uuid, 'manageable');
  });

  test('says 503 and when to come back while its database is away, and works when it is back', async () => {
    const uuid = await first.createNode({ driver: 'fake-hardware' });
    await cluster.postgres.stop();
    assert.ok(await isRefusedForNow(() => first.node(uuid)));
    assert.ok(await isRefusedForNow(() => first.createNode({ driver: 'fake-hardware' })));
    assert.ok(await isRefusedForNow(() => first.provision(uuid, 'manage')));
    await cluster.postgres.restart();
    await until(
      () => isRefusedForNow(() => first.provision(uuid, 'manage')),
      (isRefused) => !isRefused,
    );
    await second.untilState(uuid, 'manageable');
    for (const each of [...cluster.apis, ...cluster.conductors]) assert.ok(each.isAlive, each.host);
  });
});
