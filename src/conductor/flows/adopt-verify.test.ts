// Machines that are new here: verified when they are enrolled, or adopted with the instance they run.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listHistory } from '#db/history-list.ts';
import type { NewNode } from '#model/node-record.ts';
import type { PowerState } from '#model/power-states.ts';
import { Ground } from '../testing/a-conductor.ts';

const page = { sortKey: 'created_at', descending: true, limit: 10, after: undefined } as const;

async function adopt(node: Partial<NewNode>, ground: Ground): Promise<string> {
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor, node);
  ground.driver.power.set(uuid, 'power on');
  await conductor.call('do_provisioning_action', { node: uuid, action: 'adopt' });
  return uuid;
}

describe('adoption', () => {
  const served = { capabilities: { boot_option: 'netboot' } };
  const rows: { name: string; node: Partial<NewNode>; error: RegExp | null }[] = [
    { name: 'of a machine that boots its own disk needs no image', node: {}, error: null },
    {
      name: 'says so in words of its own too',
      node: { instance_info: { capabilities: 'boot_option:local' } },
      error: null,
    },
    {
      name: 'of a machine that is served each boot needs its image',
      node: { instance_info: served },
      error: /has no image_source/,
    },
    {
      name: 'in either form of the capabilities',
      node: { instance_info: { capabilities: 'boot_mode:uefi, boot_option:netboot' } },
      error: /has no image_source/,
    },
    {
      name: 'takes one with an image',
      node: { instance_info: { ...served, image_source: 'http://images.example/disk.img' } },
      error: null,
    },
  ];
  for (const { name, node, error } of rows)
    test(name, async () => {
      await using ground = await Ground.make();
      const uuid = await adopt(node, ground);
      const adopted = await ground.untilAtRest(uuid);
      const actions = ground.driver.calls.filter((call) => call.name !== 'takeOver');
      assert.deepEqual(actions, [], 'nothing is done to the machine');
      if (error === null) {
        assert.deepEqual([adopted.provision_state, adopted.power_state], ['active', 'power on']);
        assert.equal(adopted.last_error, null);
      } else {
        assert.deepEqual([adopted.provision_state, adopted.power_state], ['adopt failed', null]);
        assert.match(adopted.last_error ?? '', error);
      }
    });

  test('that failed is tried again, or the node is managed', async () => {
    await using ground = await Ground.make();
    ground.driver.bmcError = new Error('The BMC is away');
    const uuid = await adopt({ power_state: 'power on' }, ground);
    const failed = await ground.untilAtRest(uuid);
    assert.deepEqual([failed.provision_state, failed.power_state], ['adopt failed', null]);
    const [line] = await listHistory(ground.store.read, uuid, page);
    assert.deepEqual([line?.event_type, line?.severity], ['adoption', 'ERROR']);
    ground.driver.bmcError = null;
    const conductor = await ground.conductor();
    await conductor.call('do_provisioning_action', { node: uuid, action: 'adopt' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
  });
});

describe('verification', () => {
  for (const [power, state] of [
    ['power on', 'manageable'],
    ['power off', 'manageable'],
    ['error', 'enroll'],
  ] as const satisfies [PowerState, string][])
    test(`of a machine whose BMC says '${power}' ends in ${state}`, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, { provision_state: 'enroll' });
      ground.driver.power.set(uuid, power);
      await conductor.call('do_provisioning_action', { node: uuid, action: 'manage' });
      const node = await ground.untilAtRest(uuid);
      assert.equal(node.provision_state, state);
      assert.equal(node.power_state, state === 'enroll' ? null : power);
      assert.equal(node.last_error === null, state !== 'enroll');
    });
});

describe('a removal', () => {
  test('from a rescue undoes that first, and stops the console', async () => {
    for (const state of ['rescue', 'rescue failed', 'unrescue failed'] as const) {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const rescued = { provision_state: state, automated_clean: false, console_enabled: true };
      const uuid = await ground.node(conductor, rescued);
      await conductor.call('do_node_tear_down', { node: uuid });
      const node = await ground.untilAtRest(uuid);
      assert.deepEqual([node.provision_state, node.console_enabled], ['available', false]);
      assert.deepEqual(
        ground.driver.calls.map(({ name }) => name),
        ['cleanUpRescue', 'tearDown', 'cleanUp'],
      );
    }
  });
});

test('an abort of a deployment that waits leaves the machine as it is, for another try', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor, { provision_state: 'available' });
  ground.driver.next('deploy', { kind: 'wait', for: 'agent' });
  const deploy = { node: uuid, rebuild: false, configdrive: null, steps: undefined };
  await conductor.call('do_node_deploy', deploy);
  await ground.untilWaits(uuid);
  ground.driver.power.set(uuid, 'power on');
  await conductor.call('do_provisioning_action', { node: uuid, action: 'abort' });
  assert.equal((await ground.untilAtRest(uuid)).provision_state, 'deploy failed');
  assert.deepEqual(
    ground.driver.calls.map(({ name }) => name),
    ['prepare', 'deploy'],
  );
  await conductor.call('do_node_deploy', deploy);
  assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
});

test('of the password of a rescue nothing is kept but its hash', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor({});
  const uuid = await ground.node(conductor, { provision_state: 'active' });
  ground.driver.next('rescue', { kind: 'wait', for: 'agent' });
  await conductor.call('do_node_rescue', { node: uuid, rescuePassword: 'hunter2' });
  const { instance_info } = await ground.untilWaits(uuid);
  assert.match(String(instance_info['hashed_rescue_password']), /^\$5\$/);
  assert.doesNotMatch(JSON.stringify(instance_info), /hunter2/);
});

test('a rescue whose agent was never heard of ends with the machine off', async () => {
  await using ground = await Ground.make();
  const settings = { conductor: { check_provision_state_interval: 60, rescue_callback_timeout: 300 } };
  const conductor = await ground.conductor({ settings });
  const uuid = await ground.node(conductor, { provision_state: 'active' });
  ground.driver.next('rescue', { kind: 'wait', for: 'agent' });
  await conductor.call('do_node_rescue', { node: uuid, rescuePassword: 'secret of the test' });
  await ground.untilWaits(uuid);
  ground.driver.power.set(uuid, 'power on');
  assert.equal((await ground.untilAtRest(uuid)).provision_state, 'rescue failed');
  assert.deepEqual(
    ground.driver.calls.map(({ name }) => name),
    ['rescue', 'power off', 'cleanUpRescue'],
  );
});
