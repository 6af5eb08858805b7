import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readConductors } from '#db/conductors.ts';
import { updateNode } from '#db/nodes.ts';
import { ConductorNameTaken } from './membership.ts';
import { Ground, hearAgent, type TestConductor } from '../testing/a-conductor.ts';
import { agentIsKnown, hang } from '../testing/scripted-driver.ts';

const beating = {
  conductor: { heartbeat_interval: 10, heartbeat_timeout: 60, check_provision_state_interval: 60 },
};
const names = ['conductor-1', 'conductor-2', 'conductor-3'];

async function start(
  ground: Ground,
  hostname: string,
  options: { group?: string; behindMilliseconds?: number } = {},
) {
  const { group = '', behindMilliseconds = 0 } = options;
  const conductor = { ...beating.conductor, conductor_group: group };
  const settings = { ...beating, conductor };
  return await ground.conductor({ hostname, isAlone: false, settings, behindMilliseconds });
}

async function startAll(ground: Ground): Promise<Map<string, TestConductor>> {
  const all = new Map<string, TestConductor>();
  for (const hostname of names) all.set(hostname, await start(ground, hostname));
  return all;
}

const whatIsDeployed = { rebuild: false, configdrive: null, steps: undefined };

/** So many nodes being deployed, each by the conductor that the ring names. */
async function deployNodes(
  ground: Ground,
  all: Map<string, TestConductor>,
  count: number,
): Promise<string[]> {
  const [any] = all.values();
  assert.ok(any);
  const uuids: string[] = [];
  for (let made = 0; made < count; made += 1)
    uuids.push(await ground.node(any, { provision_state: 'available' }));
  for (const uuid of uuids) {
    const host = await any.ring.hostFor({ uuid, driver: 'fake-hardware', conductor_group: '' });
    await all.get(host)?.call('do_node_deploy', { node: uuid, ...whatIsDeployed });
  }
  await ground.clock.settle();
  return uuids;
}

async function ownersOf(ground: Ground, uuids: readonly string[]): Promise<(string | undefined)[]> {
  return await Promise.all(uuids.map(async (uuid) => (await ground.operation(uuid))?.owner));
}

async function hostsOf({ ring }: TestConductor, uuids: readonly string[]): Promise<(string | undefined)[]> {
  const places = uuids.map((uuid) => ({ uuid, driver: 'fake-hardware', conductor_group: '' }));
  return await Promise.all(places.map(async (place) => await ring.findHost(place)));
}

function the(all: Map<string, TestConductor>, hostname: string): TestConductor {
  return all.get(hostname) ?? assert.fail(`there is no ${hostname}`);
}

/** Cleans a node by a step that its children carry out. */
async function scrubChildren(conductor: TestConductor, node: string): Promise<void> {
  const steps = [{ interface: 'deploy', step: 'scrub', onChildren: [] }];
  await conductor.call('do_node_clean', { node, steps, disableRamdisk: false });
}

const waits = { kind: 'wait', for: 'agent', changes: agentIsKnown } as const;
const polls = { kind: 'wait', for: 'poll', afterSeconds: 100 } as const;

describe('a conductor of a name that is taken', () => {
  test('is refused while the other lives', async () => {
    await using ground = await Ground.make();
    await start(ground, 'conductor-1');
    await ground.clock.pass(25_000);
    await assert.rejects(start(ground, 'conductor-1'), ConductorNameTaken);
    const [only] = await readConductors(ground.store.read);
    assert.equal(only?.online, true);
  });

  test('takes its place when the other was killed, and goes on with what it left', async () => {
    await using ground = await Ground.make();
    const first = await start(ground, 'conductor-1');
    ground.driver.next('deploy', hang);
    const [uuid = ''] = await deployNodes(ground, new Map([['conductor-1', first]]), 1);
    await ground.clock.pass(25_000);
    first.kill();
    const began = ground.clock.now();
    await start(ground, 'conductor-1');
    assert.ok(ground.clock.now() - began <= 20_000);
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
  });

  test('need not wait where the other said goodbye', async () => {
    await using ground = await Ground.make();
    const first = await start(ground, 'conductor-1');
    await first.stop();
    const began = ground.clock.now();
    await start(ground, 'conductor-1');
    assert.equal(ground.clock.now(), began);
  });

  test('makes an earlier life that was frozen end when that wakes', async () => {
    await using ground = await Ground.make();
    const first = await start(ground, 'conductor-1');
    await ground.store.write(async (transaction) => {
      await transaction.updateTable('conductors').set({ life: 'a later one' }).execute();
    });
    await ground.clock.pass(11_000);
    assert.ok((await first.lost) instanceof ConductorNameTaken);
    const { updated_at: before } = (await readConductors(ground.store.read))[0] ?? assert.fail();
    await ground.clock.pass(60_000);
    assert.equal((await readConductors(ground.store.read))[0]?.updated_at, before);
  });
});

describe('when a conductor dies', () => {
  test('each operation it ran goes on once, with the one that the ring then names', async () => {
    await using ground = await Ground.make();
    const all = await startAll(ground);
    ground.driver.always('write', hang);
    const uuids = await deployNodes(ground, all, 12);
    const owners = await ownersOf(ground, uuids);
    const died = the(all, 'conductor-2');
    const orphans = uuids.filter((_, index) => owners[index] === 'conductor-2');
    assert.ok(orphans.length > 0);
    died.kill();
    await ground.clock.pass(55_000);
    assert.deepEqual(await ownersOf(ground, uuids), owners, 'nobody takes before the time is over');
    await ground.clock.pass(30_000);
    const hosts = await hostsOf(the(all, 'conductor-1'), uuids);
    assert.ok(!hosts.includes('conductor-2'));
    assert.deepEqual(await ownersOf(ground, uuids), hosts);
    for (const uuid of uuids) {
      const begun = orphans.includes(uuid) ? 2 : 1;
      const calls = ground.driver.callsOf('write').filter(({ node }) => node === uuid);
      assert.equal(calls.length, begun);
      assert.equal((await ground.read(uuid)).reservation, (await ground.operation(uuid))?.owner);
    }
  });

  test('what waited is woken in its time by another', async () => {
    await using ground = await Ground.make();
    const all = await startAll(ground);
    ground.driver.always('write', async (task) => {
      if (task.memo['looked'] === true) return { kind: 'done' };
      await task.note({ looked: true });
      return polls;
    });
    const uuids = await deployNodes(ground, all, 9);
    the(all, 'conductor-3').kill();
    for (const uuid of uuids) assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
    assert.ok(ground.clock.now() - Date.parse('2026-01-01T00:00:00Z') < 130_000);
  });

  test('a node that it held for a call is free, and one that a living conductor holds is not', async () => {
    await using ground = await Ground.make();
    const all = await startAll(ground);
    const one = the(all, 'conductor-1');
    const left = await ground.node(one);
    const parent = await ground.node(one);
    const held = await ground.node(one, { parent_node: parent });
    ground.driver.next('scrub', hang);
    await scrubChildren(the(all, 'conductor-3'), parent);
    await ground.clock.pass(70_000);
    the(all, 'conductor-2').kill();
    // The reservation is the lock's to write; here stands that of a call that was under way.
    await ground.store.write(
      async (transaction) => await updateNode(transaction, left, { reservation: 'conductor-2' }),
    );
    await ground.clock.pass(100_000);
    assert.equal((await ground.read(left)).reservation, null);
    assert.equal((await ground.read(held)).reservation, 'conductor-3');
  });

  test('a step on child nodes goes on, whoever their conductor is and whenever it hears of the death', async () => {
    await using ground = await Ground.make();
    const all = new Map([['conductor-1', await start(ground, 'conductor-1')]]);
    for (const hostname of ['conductor-2', 'conductor-3']) {
      await ground.clock.pass(4000);
      all.set(hostname, await start(ground, hostname));
    }
    const died = the(all, 'conductor-1');
    ground.driver.next('scrub', hang, hang, hang, hang);
    const parents: string[] = [];
    for (let made = 0; made < 4; made += 1) {
      const parent = await ground.node(died);
      await ground.node(died, { parent_node: parent });
      await scrubChildren(died, parent);
      parents.push(parent);
    }
    await ground.clock.pass(100_000);
    assert.equal(ground.driver.callsOf('scrub').length, 4);
    died.kill();
    for (const parent of parents)
      assert.equal((await ground.untilAtRest(parent)).provision_state, 'manageable');
  });

  test('nobody of another group takes its nodes', async () => {
    await using ground = await Ground.make();
    const own = await start(ground, 'conductor-1', { group: 'rack-1' });
    await start(ground, 'conductor-2');
    ground.driver.next('write', hang);
    const uuid = await ground.node(own, { provision_state: 'available', conductor_group: 'rack-1' });
    await own.call('do_node_deploy', { node: uuid, ...whatIsDeployed });
    await ground.clock.settle();
    own.kill();
    await ground.clock.pass(300_000);
    assert.equal((await ground.operation(uuid))?.owner, 'conductor-1');
    await start(ground, 'conductor-3', { group: 'rack-1' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
  });
});

test('one whose clock is behind by more than the timeout is not robbed while it lives, and is when it died', async () => {
  await using ground = await Ground.make();
  const late = await start(ground, 'conductor-1', { behindMilliseconds: 65_000 });
  for (const hostname of ['conductor-2', 'conductor-3']) await start(ground, hostname);
  ground.driver.next('write', hang);
  const uuid = await ground.node(late, { provision_state: 'available' });
  await late.call('do_node_deploy', { node: uuid, ...whatIsDeployed });
  await ground.clock.pass(400_000);
  assert.equal((await ground.operation(uuid))?.owner, 'conductor-1');
  assert.equal(ground.driver.callsOf('write').length, 1);
  late.kill();
  await ground.clock.pass(40_000);
  assert.equal(ground.driver.callsOf('write').length, 1, 'its lease may hold for so long');
  assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
});

test('after an outage of the store nobody is taken for dead who lives', async () => {
  await using ground = await Ground.make();
  const all = await startAll(ground);
  ground.driver.always('write', hang);
  const uuids = await deployNodes(ground, all, 9);
  const owners = await ownersOf(ground, uuids);
  await ground.clock.pass(100_000);
  ground.failCommits(Number.MAX_SAFE_INTEGER);
  await ground.clock.pass(400_000);
  ground.failCommits(0);
  await ground.clock.pass(200_000);
  assert.deepEqual(await ownersOf(ground, uuids), owners);
  ground.driver.always('write', { kind: 'done' });
  the(all, 'conductor-1').kill();
  await ground.clock.pass(200_000);
  assert.ok(!(await ownersOf(ground, uuids)).includes('conductor-1'), 'a death is noticed again');
});

describe('when a conductor ends', () => {
  test('what waits is with the others at once, and is woken by them', async () => {
    await using ground = await Ground.make();
    const all = await startAll(ground);
    ground.driver.always('deploy', waits);
    const uuids = await deployNodes(ground, all, 9);
    await the(all, 'conductor-1').stop();
    await ground.clock.settle();
    const owners = await ownersOf(ground, uuids);
    assert.ok(!owners.includes('conductor-1'));
    assert.deepEqual(owners, await hostsOf(the(all, 'conductor-2'), uuids));
    ground.driver.always('deploy', { kind: 'done' });
    for (const [index, uuid] of uuids.entries()) await hearAgent(the(all, owners[index] ?? ''), uuid);
    for (const uuid of uuids) assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
  });

  test('what runs is handed over at its next committed step, which is begun once', async () => {
    await using ground = await Ground.make();
    const all = await startAll(ground);
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    ground.driver.always('deploy', async () => {
      await mayEnd;
      return { kind: 'done' };
    });
    const uuids = await deployNodes(ground, all, 9);
    const owners = await ownersOf(ground, uuids);
    const stopped = the(all, 'conductor-1').stop();
    await ground.clock.settle();
    end();
    await stopped;
    const began = ground.clock.now();
    for (const uuid of uuids) assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
    assert.ok(ground.clock.now() - began < 10_000, 'no heartbeat had to be missed for it');
    assert.ok(owners.includes('conductor-1'));
    for (const name of ['deploy', 'write']) {
      const calls = ground.driver.callsOf(name);
      assert.deepEqual(calls.map(({ node }) => node).toSorted(), uuids.toSorted());
      for (const { attempt } of calls) assert.equal(attempt, 1);
    }
  });

  test('what does not come to its end in time is taken over all the same', async () => {
    await using ground = await Ground.make();
    const all = await startAll(ground);
    ground.driver.next('write', hang);
    const [uuid = ''] = await deployNodes(ground, all, 1);
    const owner = (await ground.operation(uuid))?.owner ?? '';
    const began = ground.clock.now();
    await the(all, owner).stop();
    assert.equal(ground.clock.now() - began, 60_000, '[conductor]graceful_shutdown_timeout');
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
    assert.ok(ground.clock.now() - began < 65_000);
  });
});

describe('when a conductor joins', () => {
  test('what waits comes to it as far as the ring says, and what runs stays', async () => {
    await using ground = await Ground.make();
    const first = await start(ground, 'conductor-1');
    const all = new Map([['conductor-1', first]]);
    ground.driver.next('deploy', hang, hang, hang);
    ground.driver.always('deploy', waits);
    const uuids = await deployNodes(ground, all, 24);
    all.set('conductor-2', await start(ground, 'conductor-2'));
    await ground.clock.settle();
    const hosts = await hostsOf(first, uuids);
    const ran = uuids.slice(0, 3);
    const owners = await ownersOf(ground, uuids);
    assert.deepEqual(owners.slice(3), hosts.slice(3));
    const share = owners.filter((owner) => owner === 'conductor-2').length;
    assert.ok(share >= 4 && share <= 20, `${share} of 21`);
    for (const uuid of ran) assert.equal((await ground.operation(uuid))?.owner, 'conductor-1');
  });
});
