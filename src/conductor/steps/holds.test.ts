// The steps whose names mean the same in every flow: hold, wait, power_on, power_off, reboot.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InvalidParameterValue, InvalidState } from '#model/faults.ts';
import type { NewNode } from '#model/node-record.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import type { AskedStep } from '#protocol/operation.ts';
import { Ground, hearAgent, type TestConductor } from '../testing/a-conductor.ts';
import { agentIsKnown, anAgentStep } from '../testing/scripted-driver.ts';

interface SteppedFlow {
  name: string;
  node: Partial<NewNode>;
  begin(conductor: TestConductor, node: string, steps: AskedStep[]): Promise<void>;
  held: ProvisionState;
  waits: ProvisionState;
  ends: ProvisionState;
  aborts: ProvisionState;
}

const flows: SteppedFlow[] = [
  {
    name: 'cleaning',
    node: {},
    begin: async (conductor, node, steps) =>
      await conductor.call('do_node_clean', { node, steps, disableRamdisk: false }),
    held: 'clean hold',
    waits: 'clean wait',
    ends: 'manageable',
    aborts: 'clean failed',
  },
  {
    name: 'deploying',
    node: { provision_state: 'available', automated_clean: false },
    begin: async (conductor, node, steps) =>
      await conductor.call('do_node_deploy', {
        node,
        rebuild: false,
        configdrive: null,
        steps: steps.map((step) => ({ ...step, priority: 110 })),
      }),
    held: 'deploy hold',
    waits: 'wait call-back',
    ends: 'active',
    aborts: 'deploy failed',
  },
  {
    name: 'servicing',
    node: { provision_state: 'active' },
    begin: async (conductor, node, steps) =>
      await conductor.call('do_node_service', { node, steps, disableRamdisk: false }),
    held: 'service hold',
    waits: 'service wait',
    ends: 'active',
    aborts: 'active',
  },
];

const reserved = (step: string, args?: Record<string, unknown>): AskedStep => ({
  interface: 'deploy',
  step,
  ...(args ? { args } : {}),
});

const act = async (conductor: TestConductor, node: string, action: string): Promise<void> =>
  await conductor.call('do_provisioning_action', { node, action });

const untilState = async (ground: Ground, uuid: string, state: ProvisionState): Promise<void> =>
  await ground.clock.until(async () => {
    const node = await ground.read(uuid);
    return node.provision_state === state && node.reservation === null;
  }, state);

/** As a machine whose agent was heard of: known before anything, since these flows boot none. */
const withAgent = { driver_internal_info: { ...agentIsKnown.driver_internal_info } };

for (const flow of flows)
  describe(`in ${flow.name}`, () => {
    test('hold keeps the node, free, for as long as nobody lets go', async () => {
      await using ground = await Ground.make();
      const settings = { conductor: { check_provision_state_interval: 60 } };
      const conductor = await ground.conductor({ settings });
      const uuid = await ground.node(conductor, { ...flow.node, ...withAgent });
      await flow.begin(conductor, uuid, [reserved('hold'), reserved('hold')]);
      await untilState(ground, uuid, flow.held);
      await hearAgent(conductor, uuid);
      await ground.clock.pass(20_000_000);
      const held = await ground.read(uuid);
      assert.deepEqual([held.provision_state, held.reservation], [flow.held, null]);
      assert.deepEqual((await ground.operation(uuid))?.wait, { for: 'hold' });

      await act(conductor, uuid, 'unhold');
      if (flow.held !== 'service hold') {
        assert.equal((await ground.read(uuid)).provision_state, flow.waits);
        await hearAgent(conductor, uuid);
      }
      await untilState(ground, uuid, flow.held);
      await act(conductor, uuid, 'unhold');
      if (flow.held !== 'service hold') await hearAgent(conductor, uuid);
      assert.equal((await ground.untilAtRest(uuid)).provision_state, flow.ends);
    });

    test('a second sign of life that finds the node taken does not end the hold that follows', async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, { ...flow.node, ...withAgent });
      await flow.begin(conductor, uuid, [reserved('wait'), reserved('hold')]);
      await untilState(ground, uuid, flow.waits);
      await Promise.all([hearAgent(conductor, uuid), hearAgent(conductor, uuid)]);
      await untilState(ground, uuid, flow.held);
      await ground.clock.pass(60_000);
      assert.deepEqual((await ground.operation(uuid))?.wait, { for: 'hold' });
    });

    test('a node without an agent goes on at once when it is let go', async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, flow.node);
      await flow.begin(conductor, uuid, [reserved('hold')]);
      await untilState(ground, uuid, flow.held);
      await act(conductor, uuid, 'unhold');
      assert.equal((await ground.untilAtRest(uuid)).provision_state, flow.ends);
    });

    test('a held node may be aborted', async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, flow.node);
      await flow.begin(conductor, uuid, [reserved('hold')]);
      await untilState(ground, uuid, flow.held);
      await act(conductor, uuid, 'abort');
      const node = await ground.untilAtRest(uuid);
      assert.equal(node.provision_state, flow.aborts);
      assert.match(node.last_error ?? '', /By request, the .* operation was aborted/);
      assert.equal(node.maintenance, false);
      // A deployment that was held goes for good, and all that it began with it.
      assert.equal(ground.driver.callsOf('tearDown').length, flow.held === 'deploy hold' ? 1 : 0);
      await assert.rejects(act(conductor, uuid, 'unhold'));
    });

    test('wait goes on with the next sign of life', async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, { ...flow.node, ...withAgent });
      await flow.begin(conductor, uuid, [reserved('wait')]);
      await untilState(ground, uuid, flow.waits);
      await ground.clock.pass(1_000_000);
      assert.equal((await ground.read(uuid)).provision_state, flow.waits);
      await hearAgent(conductor, uuid);
      assert.equal((await ground.untilAtRest(uuid)).provision_state, flow.ends);
    });

    test('wait takes the seconds that it names, to the limit of the settings', async () => {
      for (const [asked, limit, taken] of [
        [20, 30, 20],
        ['20', 30, 20],
        [500, 30, 30],
        [0, 30, 0],
      ] as const) {
        await using ground = await Ground.make();
        const settings = { conductor: { max_conductor_wait_step_seconds: limit } };
        const conductor = await ground.conductor({ settings });
        const uuid = await ground.node(conductor, flow.node);
        const began = ground.clock.now();
        await flow.begin(conductor, uuid, [reserved('wait', { seconds: asked })]);
        assert.equal((await ground.untilAtRest(uuid)).provision_state, flow.ends);
        assert.equal(ground.clock.now() - began, taken * 1000);
      }
    });

    test('power_off, power_on and reboot do what they say, in the order given', async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, flow.node);
      ground.driver.power.set(uuid, 'power on');
      const steps = ['reboot', 'power_off', 'power_on'];
      // Steps of one priority keep their order.
      await flow.begin(
        conductor,
        uuid,
        steps.map((step) => reserved(step)),
      );
      assert.equal((await ground.untilAtRest(uuid)).provision_state, flow.ends);
      const powerActions = ground.driver.calls
        .map(({ name }) => name)
        .filter((name) => /^power o|^reboot/.test(name));
      assert.deepEqual(powerActions, ['rebooting', 'power off', 'power on']);
    });

    test('power_off is refused where the machine must never be off', async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, { ...flow.node, disable_power_off: true });
      ground.driver.power.set(uuid, 'power on');
      await assert.rejects(flow.begin(conductor, uuid, [reserved('power_off')]), (error) => {
        assert.ok(error instanceof InvalidParameterValue);
        assert.match(error.message, /deploy\.power_off cannot be run: disable_power_off is set/);
        return true;
      });
      assert.equal(await ground.operation(uuid), undefined);
    });

    test('what a reserved step does not take is refused', async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, flow.node);
      for (const step of [
        reserved('hold', { seconds: 3 }),
        reserved('wait', { seconds: 'soon' }),
        reserved('wait', { seconds: -1 }),
        reserved('power_on', { force: true }),
      ])
        await assert.rejects(flow.begin(conductor, uuid, [step]), InvalidParameterValue);
      assert.equal((await ground.read(uuid)).provision_state, flow.node.provision_state ?? 'manageable');
    });
  });

test('a reboot in the middle of a flow with the agent brings the agent back', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor);
  const steps = [
    { interface: 'deploy', step: 'erase' },
    reserved('reboot'),
    reserved('power_off'),
    reserved('power_on'),
  ];
  await conductor.call('do_node_clean', { node: uuid, steps, disableRamdisk: false });
  assert.equal((await ground.untilAtRest(uuid)).provision_state, 'manageable');
  assert.equal(ground.driver.callsOf('rebootAgent').length, 2);
});

test('an abort in service failed is refused in maintenance, and else brings the instance back', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor, { provision_state: 'active' });
  ground.driver.agentSteps = [anAgentStep('mend', 0)];
  ground.driver.next('agent mend', new Error('It is beyond repair'));
  const steps = [{ interface: 'deploy', step: 'mend' }];
  await conductor.call('do_node_service', { node: uuid, steps, disableRamdisk: false });
  const failed = await ground.untilAtRest(uuid);
  assert.deepEqual([failed.provision_state, failed.fault], ['service failed', 'service failure']);
  await assert.rejects(act(conductor, uuid, 'abort'), InvalidState);
  await conductor.call('set_maintenance', { node: uuid, maintenance: false, reason: null });
  assert.equal(ground.driver.callsOf('prepareInstance').length, 0);
  await act(conductor, uuid, 'abort');
  const node = await ground.untilAtRest(uuid);
  assert.deepEqual([node.provision_state, node.power_state], ['active', 'power on']);
  assert.equal(ground.driver.callsOf('prepareInstance').length, 1);
});
