// An agent that began anew as another: its hardware managers are not those that listed the steps.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewNode } from '#model/node-record.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import { Ground, type TestConductor } from '../testing/a-conductor.ts';
import { anAgentStep } from '../testing/scripted-driver.ts';

const outdated = { kind: 'outdated' } as const;
const wipe = { interface: 'deploy', step: 'wipe' };

interface Scenario {
  name: string;
  node: Partial<NewNode>;
  begin(conductor: TestConductor, node: string): Promise<void>;
  ends: ProvisionState;
  fails: ProvisionState;
  /** What ran when the agent refused its step once. */
  calls: string[];
}

const scenarios: Scenario[] = [
  {
    name: 'automated cleaning plans anew, from what the agent offers now',
    node: {},
    begin: async (conductor, node) =>
      await conductor.call('do_provisioning_action', { node, action: 'provide' }),
    ends: 'available',
    fails: 'clean failed',
    calls: ['erase', 'agent wipe', 'agent new', 'erase', 'agent wipe', 'scrub'],
  },
  {
    name: 'cleaning by hand goes on with the step that was refused',
    node: {},
    begin: async (conductor, node) =>
      await conductor.call('do_node_clean', {
        node,
        steps: [{ interface: 'deploy', step: 'scrub' }, wipe],
        disableRamdisk: false,
      }),
    ends: 'manageable',
    fails: 'clean failed',
    calls: ['scrub', 'agent wipe', 'agent wipe'],
  },
  {
    name: 'a deployment goes on with the step that was refused',
    node: { provision_state: 'available' },
    begin: async (conductor, node) =>
      await conductor.call('do_node_deploy', { node, rebuild: false, configdrive: null, steps: undefined }),
    ends: 'active',
    fails: 'deploy failed',
    calls: ['deploy', 'write', 'agent wipe', 'agent wipe'],
  },
  {
    name: 'service goes on with the step that was refused',
    node: { provision_state: 'active' },
    begin: async (conductor, node) =>
      await conductor.call('do_node_service', { node, steps: [wipe], disableRamdisk: false }),
    ends: 'active',
    fails: 'service failed',
    calls: ['agent wipe', 'agent wipe'],
  },
];

const watched = ['erase', 'scrub', 'deploy', 'write', 'agent wipe', 'agent new'];

describe('when the agent is another than the one that offered its steps', () => {
  for (const scenario of scenarios) {
    const { name, node, ends, fails, calls } = scenario;
    test(name, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, node);
      ground.driver.agentSteps = [anAgentStep('wipe', 15)];
      ground.driver.next('agent wipe', async () => {
        ground.driver.agentSteps = [anAgentStep('wipe', 15), anAgentStep('new', 90)];
        return outdated;
      });
      await scenario.begin(conductor, uuid);
      const after = await ground.untilAtRest(uuid);
      assert.equal(after.provision_state, ends, after.last_error ?? '');
      const ran = ground.driver.calls.map((call) => call.name).filter((call) => watched.includes(call));
      assert.deepEqual(ran, calls);
    });

    test(`${name}, but not for ever`, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, node);
      ground.driver.agentSteps = [anAgentStep('wipe', 15)];
      ground.driver.always('agent wipe', outdated);
      await scenario.begin(conductor, uuid);
      const after = await ground.untilAtRest(uuid);
      assert.equal(after.provision_state, fails);
      assert.match(after.last_error ?? '', /other hardware managers .* deploy\.wipe, for the 4th time/);
      assert.equal(ground.driver.callsOf('agent wipe').length, 4);
    });
  }
});

test('arguments that an agent’s step does not take, or lacks, end the operation before any step runs', async () => {
  for (const [args, words] of [
    [{}, /deploy\.wipe lacks the required arguments: pattern/],
    [{ pattern: 'x', colour: 'red' }, /deploy\.wipe has these unexpected arguments: colour/],
  ] as const) {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    const takes = { pattern: { description: '', required: true } };
    ground.driver.agentSteps = [{ ...anAgentStep('wipe', 0), takes }];
    const steps = [
      { interface: 'deploy', step: 'scrub' },
      { ...wipe, args },
    ];
    await conductor.call('do_node_clean', { node: uuid, steps, disableRamdisk: false });
    const after = await ground.untilAtRest(uuid);
    assert.equal(after.provision_state, 'clean failed');
    assert.match(after.last_error ?? '', words);
    assert.equal(after.maintenance, false);
    assert.equal(ground.driver.callsOf('scrub').length, 0);
  }
});
