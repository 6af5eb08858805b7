import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listHistory } from '#db/history-list.ts';
import { readNode, updateNode } from '#db/nodes.ts';
import type { NewNode } from '#model/node-record.ts';
import {
  allProvisionStates,
  isWaiting,
  nextState,
  type ProvisionState,
  stateRow,
} from '#model/provision-states.ts';
import { Ground, hearAgent, type TestConductor } from '../testing/a-conductor.ts';
import { agentIsKnown } from '../testing/scripted-driver.ts';

const anyWait = { kind: 'wait', for: 'agent', changes: agentIsKnown } as const;

/** How a node comes to wait in each of the states. */
const waysThere: Record<
  string,
  { node: Partial<NewNode>; begin(conductor: TestConductor, node: string): Promise<void> }
> = {
  'wait call-back': {
    node: { provision_state: 'available' },
    begin: async (conductor, node) =>
      await conductor.call('do_node_deploy', { node, rebuild: false, configdrive: null, steps: undefined }),
  },
  'clean wait': {
    node: {},
    begin: async (conductor, node) =>
      await conductor.call('do_provisioning_action', { node, action: 'provide' }),
  },
  'inspect wait': {
    node: {},
    begin: async (conductor, node) => await conductor.call('inspect_hardware', { node }),
  },
  'rescue wait': {
    node: { provision_state: 'active' },
    begin: async (conductor, node) =>
      await conductor.call('do_node_rescue', { node, rescuePassword: 'secret of the test' }),
  },
  'service wait': {
    node: { provision_state: 'active' },
    begin: async (conductor, node) =>
      await conductor.call('do_node_service', {
        node,
        steps: [{ interface: 'deploy', step: 'of_the_agent' }],
        disableRamdisk: false,
      }),
  },
};

async function aWaitingNode(state: ProvisionState) {
  const ground = await Ground.make();
  const conductor = await ground.conductor({
    settings: { conductor: { check_provision_state_interval: 60 } },
  });
  for (const call of ['deploy', 'prepareAgent', 'inspect', 'rescue']) ground.driver.always(call, anyWait);
  const way = waysThere[state] ?? assert.fail(`no test knows how to come to ${state}`);
  const uuid = await ground.node(conductor, way.node);
  await way.begin(conductor, uuid);
  // The checks of time limits sleep too, so this needs no time to pass.
  await ground.clock.settle();
  assert.equal((await ground.read(uuid)).provision_state, state);
  return { ground, conductor, uuid };
}

describe('for every state that waits', () => {
  for (const state of allProvisionStates.filter(isWaiting)) {
    test(`${state} ends by itself when nothing is heard for the time its option allows`, async () => {
      const { ground: made, uuid } = await aWaitingNode(state);
      await using ground = made;
      const began = ground.clock.now();
      const node = await ground.untilAtRest(uuid);
      assert.equal(node.provision_state, nextState(state, 'fail'));
      assert.match(node.last_error ?? '', /^Timeout: nothing was heard of the agent for 1800 s/);
      assert.ok(ground.clock.now() - began >= 1_800_000);
      assert.ok(ground.clock.now() - began < 1_800_000 + 120_000);
      assert.equal((await ground.lastOperation(uuid)).state, 'failed');
    });

    if (stateRow(state).timeout?.measuredFrom === 'provision_updated_at')
      test(`${state} goes on for as long as the agent is heard of`, async () => {
        const { ground: made, conductor, uuid } = await aWaitingNode(state);
        await using ground = made;
        for (let time = 0; time < 4; time += 1) {
          await ground.clock.pass(1_000_000);
          await hearAgent(conductor, uuid);
          await ground.clock.settle();
        }
        assert.equal((await ground.read(uuid)).provision_state, state);
      });
  }

  test('a node in maintenance is left waiting', async () => {
    const { ground: made, conductor, uuid } = await aWaitingNode('wait call-back');
    await using ground = made;
    await conductor.call('set_maintenance', { node: uuid, maintenance: true, reason: 'looking at it' });
    await ground.clock.pass(10_000_000);
    assert.equal((await ground.read(uuid)).provision_state, 'wait call-back');
  });
});

describe('power sync', () => {
  const syncing = { settings: { conductor: { sync_power_state_interval: 60 } } };

  test('brings a machine to the state on record', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(syncing);
    const uuid = await ground.node(conductor, { power_state: 'power on' });
    await ground.clock.pass(61_000);
    assert.equal(ground.driver.power.get(uuid), 'power on');
    assert.equal(ground.driver.callsOf('power on').length, 1);
    await ground.clock.pass(200_000);
    assert.equal(ground.driver.callsOf('power on').length, 1);
  });

  test('only records what it sees where the record is not forced, is empty, or off is forbidden', async () => {
    for (const { node, forced } of [
      { node: { power_state: 'power off' }, forced: false },
      { node: { power_state: null }, forced: true },
      { node: { power_state: 'power off', disable_power_off: true }, forced: true },
    ] as const) {
      await using ground = await Ground.make();
      const conductor = await ground.conductor({
        settings: {
          conductor: { sync_power_state_interval: 60, force_power_state_during_sync: forced },
        },
      });
      const uuid = await ground.node(conductor, node);
      ground.driver.power.set(uuid, 'power on');
      await ground.clock.pass(61_000);
      assert.equal((await ground.read(uuid)).power_state, 'power on');
      assert.deepEqual(ground.driver.calls, []);
    }
  });

  test('leaves alone who is in maintenance, changing, held, or in a state that says so', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(syncing);
    const left = [
      await ground.node(conductor, { power_state: 'power on', maintenance: true }),
      await ground.node(conductor, { power_state: 'power on', target_power_state: 'power off' }),
      await ground.node(conductor, { power_state: 'power on', provision_state: 'enroll' }),
    ];
    const held = await ground.node(conductor, { power_state: 'power on' });
    await ground.store.write(
      // The reservation is the lock's to write; here a lock of another conductor is put in its place.
      async (transaction) => await updateNode(transaction, held, { reservation: 'another' }),
    );
    await ground.clock.pass(130_000);
    assert.deepEqual(ground.driver.calls, []);
    for (const uuid of [...left, held]) assert.equal((await ground.read(uuid)).power_state, 'power on');
  });

  test('puts a node whose BMC stays silent into maintenance, and takes it out when it answers again', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      settings: { conductor: { sync_power_state_interval: 60, power_failure_recovery_interval: 300 } },
    });
    const uuid = await ground.node(conductor, { power_state: 'power off' });
    ground.driver.bmcError = new Error('no answer from the BMC');
    await ground.clock.pass(190_000);
    assert.equal((await ground.read(uuid)).maintenance, false, 'three failures are forgiven');
    await ground.clock.pass(60_000);
    const failed = await ground.read(uuid);
    assert.equal(failed.maintenance, true);
    assert.equal(failed.fault, 'power failure');
    const told = await listHistory(ground.store.read, uuid, {
      sortKey: 'created_at',
      descending: false,
      limit: 9,
      after: undefined,
    });
    assert.deepEqual(
      told.map(({ severity, event_type, event }) => [severity, event_type, event]),
      [['ERROR', 'monitoring', failed.maintenance_reason]],
    );
    assert.match(failed.last_error ?? '', /no answer from the BMC/);
    ground.driver.bmcError = null;
    await ground.clock.pass(301_000);
    const again = await ground.read(uuid);
    assert.equal(again.maintenance, false);
    assert.equal(again.fault, null);
    assert.equal(again.last_error, null);
  });

  test('does not take a node out of a maintenance that an operator set', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      settings: { conductor: { power_failure_recovery_interval: 300 } },
    });
    const uuid = await ground.node(conductor, { maintenance: true, maintenance_reason: 'broken fan' });
    await ground.clock.pass(1_000_000);
    assert.equal((await readNode(ground.store.read, uuid))?.maintenance, true);
  });
});
