import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SettingsOverrides } from '#config/settings.ts';
import { queueNow, readPlaceInQueue } from '#db/turns.ts';
import { ConcurrentActionLimit } from '#model/faults.ts';
import type { NewNode } from '#model/node-record.ts';
import { Ground, hearAgent, type TestConductor } from '../testing/a-conductor.ts';
import { agentIsKnown } from '../testing/scripted-driver.ts';

const deployIn = (node: string) => ({ node, rebuild: false, configdrive: null, steps: undefined });

const oneAtATime: SettingsOverrides = { conductor: { max_concurrent_deploy: 1, max_concurrent_clean: 1 } };

/** A ground where writing an image takes a minute. */
async function aBusyGround(): Promise<Ground> {
  const ground = await Ground.make();
  ground.driver.always('write', async ({ clock }) => {
    await clock.sleep(60_000);
    return { kind: 'done' };
  });
  return ground;
}

/** Asks for a deployment of a new node. */
async function deployOne(
  ground: Ground,
  conductor: TestConductor,
  node: Partial<NewNode> = {},
): Promise<string> {
  const uuid = await ground.node(conductor, { provision_state: 'available', ...node });
  await conductor.call('do_node_deploy', deployIn(uuid));
  // So that no two were asked for at the same time.
  await ground.clock.pass(1);
  return uuid;
}

describe('a deployment beyond the limit', () => {
  test('is accepted and waits for its turn, in nobody’s hands, and ends like any other', async () => {
    await using ground = await aBusyGround();
    const conductor = await ground.conductor({ settings: oneAtATime });
    const began = ground.clock.now();
    const first = await deployOne(ground, conductor);
    const second = await deployOne(ground, conductor);
    const node = await ground.read(second);
    assert.deepEqual([node.provision_state, node.reservation], ['deploying', null]);
    const operation = await ground.operation(second);
    assert.deepEqual(operation?.wait, { for: 'turn', limit: 'deploy' });
    assert.deepEqual([operation?.state, operation?.attempt], ['waiting', 0]);
    await ground.clock.until(async () => (await ground.read(first)).provision_state === 'active');
    assert.equal(ground.driver.callsOf('prepare').filter((call) => call.node === second).length, 1);
    assert.equal((await ground.untilAtRest(second)).provision_state, 'active');
    assert.equal(ground.clock.now() - began, 120_000, 'its turn came the moment the first one ended');
  });

  test('is refused where the options say so', async () => {
    await using ground = await aBusyGround();
    const conductor = await ground.conductor({
      settings: { ...oneAtATime, ingot: { when_limit_reached: 'refuse' } },
    });
    await deployOne(ground, conductor);
    await assert.rejects(deployOne(ground, conductor), ConcurrentActionLimit);
  });

  test('is refused when too many wait already', async () => {
    await using ground = await aBusyGround();
    const conductor = await ground.conductor({ settings: { ...oneAtATime, ingot: { turn_queue_limit: 1 } } });
    await deployOne(ground, conductor);
    await deployOne(ground, conductor);
    await assert.rejects(deployOne(ground, conductor), ConcurrentActionLimit);
  });

  test('does not hold up what counts against another limit, nor another conductor group with one of its own', async () => {
    await using ground = await aBusyGround();
    const conductor = await ground.conductor({
      settings: {
        conductor: { ...oneAtATime.conductor, max_concurrent_per_conductor_group: true },
      },
    });
    await deployOne(ground, conductor);
    await deployOne(ground, conductor);
    const elsewhere = await deployOne(ground, conductor, { conductor_group: 'rack-2' });
    assert.equal((await ground.operation(elsewhere))?.queue, null);
    const cleaned = await ground.node(conductor);
    await conductor.call('do_provisioning_action', { node: cleaned, action: 'provide' });
    assert.equal((await ground.operation(cleaned))?.queue ?? null, null);
  });
});

test('the turns go round the owners, and each owner’s go by age', async () => {
  await using ground = await aBusyGround();
  const conductor = await ground.conductor({ settings: oneAtATime });
  const names = new Map<string, string>();
  for (const [owner, name] of [
    ['many', 'm1'],
    ['many', 'm2'],
    ['many', 'm3'],
    ['many', 'm4'],
    ['few', 'f1'],
    ['few', 'f2'],
    ['one', 'o1'],
  ] as const)
    names.set(await deployOne(ground, conductor, { owner, name }), name);
  const queue = queueNow({ limit: 'deploy' }, conductor.settings, ground.clock);
  const places = await Promise.all(
    [...names.keys()].map(async (uuid) => {
      const operation = await ground.operation(uuid);
      return operation?.queue ? await readPlaceInQueue(ground.store.read, queue, operation) : 'at work';
    }),
  );
  assert.deepEqual(places, ['at work', 1, 4, 6, 2, 5, 3]);
  for (const uuid of names.keys()) await ground.untilAtRest(uuid);
  const begun = ground.driver.callsOf('prepare').map(({ node }) => names.get(node));
  assert.deepEqual(begun, ['m1', 'm2', 'f1', 'o1', 'm3', 'f2', 'm4']);
});

test('one who comes late is not served after all those who came before', async () => {
  await using ground = await aBusyGround();
  const conductor = await ground.conductor({ settings: oneAtATime });
  const many: string[] = [];
  for (let made = 0; made < 5; made += 1) many.push(await deployOne(ground, conductor, { owner: 'many' }));
  await ground.clock.until(() => ground.driver.callsOf('prepare').length === 3);
  const late = await deployOne(ground, conductor, { owner: 'late' });
  for (const uuid of [...many, late]) await ground.untilAtRest(uuid);
  const order = ground.driver.callsOf('prepare').map(({ node }) => node);
  assert.equal(order.indexOf(late), 4);
});

test('no more are at work than the limit, whoever asks and whoever begins', async () => {
  await using ground = await aBusyGround();
  const settings = { conductor: { max_concurrent_deploy: 2 } };
  const conductors = [
    await ground.conductor({ hostname: 'conductor-1', settings }),
    await ground.conductor({ hostname: 'conductor-2', settings }),
  ];
  let atWork = 0;
  let most = 0;
  ground.driver.always('write', async ({ clock }) => {
    atWork += 1;
    most = Math.max(most, atWork);
    await clock.sleep(60_000);
    atWork -= 1;
    return { kind: 'done' };
  });
  const uuids: string[] = [];
  const calls: Promise<void>[] = [];
  for (let made = 0; made < 8; made += 1) {
    // Its index is below the number of conductors.
    const conductor = conductors[made % conductors.length] as TestConductor;
    const uuid = await ground.node(conductor, { provision_state: 'available' });
    uuids.push(uuid);
    calls.push(conductor.call('do_node_deploy', deployIn(uuid)));
  }
  await Promise.all(calls);
  for (const uuid of uuids) assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
  assert.equal(most, 2);
});

test('those whose conductor is gone are in nobody’s way, and have their turn when another has them', async () => {
  await using ground = await aBusyGround();
  const start = async (hostname: string, group: string): Promise<TestConductor> =>
    await ground.conductor({
      hostname,
      isAlone: false,
      settings: {
        conductor: {
          max_concurrent_deploy: 1,
          heartbeat_interval: 10,
          heartbeat_timeout: 60,
          check_provision_state_interval: 60,
          conductor_group: group,
        },
      },
    });
  const lives = await start('conductor-1', '');
  const dies = await start('conductor-2', 'rack-1');
  const first = await deployOne(ground, lives);
  const left = await deployOne(ground, dies, { conductor_group: 'rack-1' });
  const second = await deployOne(ground, lives);
  dies.kill();
  for (const uuid of [first, second])
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
  await ground.clock.pass(60_000);
  const third = await deployOne(ground, lives);
  assert.equal((await ground.operation(third))?.queue, null, 'it need not wait either');
  assert.equal((await ground.operation(left))?.queue, 'deploy');
  await start('conductor-3', 'rack-1');
  for (const uuid of [third, left]) assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
});

test('one whose turn it is takes it though its conductor has no room for new work', async () => {
  await using ground = await aBusyGround();
  ground.driver.always('erase', async ({ clock }) => {
    await clock.sleep(200_000);
    return { kind: 'done' };
  });
  const settings = {
    conductor: { max_concurrent_deploy: 1, workers_pool_size: 3 },
    ingot: { worker_queue_limit: 0 },
  };
  const free = await ground.conductor({ hostname: 'conductor-1', settings });
  const full = await ground.conductor({ hostname: 'conductor-2', settings });
  const first = await deployOne(ground, free);
  const second = await deployOne(ground, full);
  for (let made = 0; made < 3; made += 1) {
    const node = await ground.node(full);
    await full.call('do_provisioning_action', { node, action: 'provide' });
  }
  await ground.untilAtRest(first);
  await ground.clock.settle();
  assert.equal((await ground.operation(second))?.queue, null);
  assert.equal((await ground.untilAtRest(second)).provision_state, 'active');
});

describe('an operation that waits for its turn', () => {
  test('outlives its conductor, with its place', async () => {
    await using ground = await aBusyGround();
    const conductor = await ground.conductor({ settings: oneAtATime });
    const uuids: string[] = [];
    for (let made = 0; made < 3; made += 1) uuids.push(await deployOne(ground, conductor));
    conductor.kill();
    await ground.conductor({ settings: oneAtATime });
    for (const uuid of uuids) assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
    const begun = new Set(ground.driver.callsOf('prepare').map(({ node }) => node));
    assert.deepEqual([...begun], uuids);
  });

  test('is woken by no sign of life, and by no time limit', async () => {
    await using ground = await aBusyGround();
    ground.driver.always('write', async ({ clock }) => {
      await clock.sleep(7_200_000);
      return { kind: 'done' };
    });
    const conductor = await ground.conductor({
      settings: {
        conductor: { ...oneAtATime.conductor, check_provision_state_interval: 600 },
        ingot: { turn_poll_interval: 600 },
      },
    });
    await deployOne(ground, conductor);
    const uuid = await deployOne(ground, conductor, agentIsKnown);
    await hearAgent(conductor, uuid);
    await ground.clock.pass(5_400_000);
    assert.deepEqual((await ground.operation(uuid))?.wait, { for: 'turn', limit: 'deploy' });
    assert.equal(ground.driver.callsOf('prepare').length, 1);
  });

  test('is ended by an abort with nothing undone that was never done', async () => {
    await using ground = await aBusyGround();
    ground.driver.always('erase', async ({ clock }) => {
      await clock.sleep(60_000);
      return { kind: 'done' };
    });
    const conductor = await ground.conductor({ settings: oneAtATime });
    const [first, second] = [await ground.node(conductor), await ground.node(conductor)];
    for (const node of [first, second])
      await conductor.call('do_provisioning_action', { node, action: 'provide' });
    await conductor.call('do_provisioning_action', { node: second, action: 'abort' });
    const node = await ground.untilAtRest(second);
    assert.deepEqual([node.provision_state, node.maintenance], ['clean failed', false]);
    const { state, queue } = await ground.lastOperation(second);
    assert.deepEqual([state, queue], ['aborted', null]);
    assert.deepEqual(
      ground.driver.calls.filter((call) => call.node === second),
      [],
    );
    assert.equal((await ground.untilAtRest(first)).provision_state, 'available');
  });

  for (const mishap of ['the conductor dies', 'the store fails'] as const)
    test(`is ended with nothing undone that was never done, though ${mishap} meanwhile`, async () => {
      await using ground = await aBusyGround();
      ground.driver.always('erase', async ({ clock }) => {
        await clock.sleep(60_000);
        return { kind: 'done' };
      });
      let isOver = false;
      const conductor = await ground.conductor({
        settings: oneAtATime,
        checkpoint: async (name, _node, kill) => {
          if (name !== 'clean:failing' || isOver) return;
          isOver = true;
          if (mishap === 'the conductor dies') return await kill();
          ground.failCommits(1);
        },
      });
      const [first, second] = [await ground.node(conductor), await ground.node(conductor)];
      for (const node of [first, second])
        await conductor.call('do_provisioning_action', { node, action: 'provide' });
      await conductor.call('do_provisioning_action', { node: second, action: 'abort' });
      await ground.clock.settle();
      assert.ok(isOver);
      if (mishap === 'the conductor dies') await ground.conductor({ settings: oneAtATime });
      assert.equal((await ground.untilAtRest(second)).provision_state, 'clean failed');
      assert.deepEqual(
        ground.driver.calls.filter((call) => call.node === second),
        [],
      );
    });

  test('is ended by a cancellation in a state that knows no abort, and not once it has begun', async () => {
    await using ground = await aBusyGround();
    const conductor = await ground.conductor({ settings: oneAtATime });
    const first = await deployOne(ground, conductor);
    const second = await deployOne(ground, conductor);
    await assert.rejects(conductor.call('cancel_operation', { node: first }), /the deploy is at work/);
    await conductor.call('cancel_operation', { node: second });
    const node = await ground.untilAtRest(second);
    assert.equal(node.provision_state, 'deploy failed');
    assert.equal(node.last_error, 'By request, the deploy operation was aborted');
    assert.deepEqual(
      ground.driver.calls.filter((call) => call.node === second),
      [],
    );
    assert.equal((await ground.untilAtRest(first)).provision_state, 'active');
    await assert.rejects(conductor.call('cancel_operation', { node: first }), /no operation is under way/);
  });
});
