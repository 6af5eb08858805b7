// A conductor may die at any boundary: whoever starts next brings every operation to its end.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewNode, NodeRecord } from '#model/node-record.ts';
import { isWaiting, type ProvisionState, stateRow } from '#model/provision-states.ts';
import type { AskedStep } from '#protocol/operation.ts';
import { Ground, hearAgent, type TestConductor } from '../testing/a-conductor.ts';
import { agentIsKnown, anAgentStep } from '../testing/scripted-driver.ts';

interface Scenario {
  name: string;
  node: Partial<NewNode>;
  begin(conductor: TestConductor, node: string): Promise<void>;
  /** What the driver does besides. */
  script?(ground: Ground): void;
  /** A child of the node. */
  child?: Partial<NewNode>;
  /** What an operator does to a node that is held; by default lets it go. */
  held?: 'unhold' | 'abort';
  ends: ProvisionState;
  /** What the machine must have seen at least once, and in this order. */
  calls: string[];
}

const deployIn = (node: string) => ({ node, rebuild: false, configdrive: null, steps: undefined });

const everyReservedStep: AskedStep[] = [
  { interface: 'power', step: 'reboot' },
  { interface: 'deploy', step: 'hold' },
  { interface: 'deploy', step: 'wait' },
  { interface: 'deploy', step: 'wait', args: { seconds: 5 } },
  { interface: 'power', step: 'power_off' },
  { interface: 'power', step: 'power_on' },
];

const scenarios: Scenario[] = [
  {
    name: 'verify',
    node: { provision_state: 'enroll' },
    begin: async (conductor, node) =>
      await conductor.call('do_provisioning_action', { node, action: 'manage' }),
    ends: 'manageable',
    calls: [],
  },
  {
    name: 'automated cleaning',
    node: {},
    begin: async (conductor, node) =>
      await conductor.call('do_provisioning_action', { node, action: 'provide' }),
    ends: 'available',
    calls: ['prepareAgent', 'agent wipe', 'erase', 'scrub', 'tearDownAgent'],
  },
  {
    name: 'inspection',
    node: {},
    begin: async (conductor, node) => await conductor.call('inspect_hardware', { node }),
    ends: 'manageable',
    calls: ['inspect'],
  },
  {
    name: 'deployment',
    node: { provision_state: 'available' },
    begin: async (conductor, node) => await conductor.call('do_node_deploy', deployIn(node)),
    ends: 'active',
    calls: ['prepare', 'deploy', 'write', 'agent wipe'],
  },
  {
    name: 'removal and the cleaning after it',
    node: { provision_state: 'active', instance_info: { image_source: 'x' } },
    begin: async (conductor, node) => await conductor.call('do_node_tear_down', { node }),
    ends: 'available',
    calls: ['tearDown', 'cleanUp', 'prepareAgent', 'erase', 'scrub', 'tearDownAgent'],
  },
  {
    name: 'adoption',
    node: {},
    begin: async (conductor, node) =>
      await conductor.call('do_provisioning_action', { node, action: 'adopt' }),
    ends: 'active',
    calls: ['takeOver'],
  },
  {
    name: 'rescue',
    node: { provision_state: 'active' },
    begin: async (conductor, node) =>
      await conductor.call('do_node_rescue', { node, rescuePassword: 'secret of the test' }),
    ends: 'rescue',
    calls: ['rescue'],
  },
  {
    name: 'cleaning by hand with every reserved step',
    node: agentIsKnown,
    begin: async (conductor, node) =>
      await conductor.call('do_node_clean', {
        node,
        steps: [{ interface: 'deploy', step: 'erase' }, ...everyReservedStep],
        disableRamdisk: false,
      }),
    ends: 'manageable',
    calls: ['prepareAgent', 'erase', 'rebootAgent', 'tearDownAgent'],
  },
  {
    name: 'deployment with every reserved step',
    node: { provision_state: 'available', ...agentIsKnown },
    begin: async (conductor, node) =>
      await conductor.call('do_node_deploy', {
        ...deployIn(node),
        steps: everyReservedStep.map((step) => ({ ...step, priority: 90 })),
      }),
    ends: 'active',
    calls: ['prepare', 'deploy', 'rebootAgent', 'write'],
  },
  {
    name: 'service with every reserved step',
    node: { provision_state: 'active', ...agentIsKnown },
    begin: async (conductor, node) =>
      await conductor.call('do_node_service', {
        node,
        steps: [{ interface: 'deploy', step: 'wipe' }, ...everyReservedStep],
        disableRamdisk: false,
      }),
    ends: 'active',
    calls: ['prepareAgent', 'agent wipe', 'rebootAgent', 'tearDownAgent', 'prepareInstance'],
  },
  {
    name: 'cleaning by hand with a step that reboots the machine and looks at it then',
    node: agentIsKnown,
    script: ({ driver }) =>
      driver.always('scrub', async ({ memo }) =>
        memo['rebooted'] === true
          ? { kind: 'done' }
          : { kind: 'wait', for: 'reboot', thenRepeatStep: true, notes: { rebooted: true } },
      ),
    begin: async (conductor, node) =>
      await conductor.call('do_node_clean', {
        node,
        steps: [{ interface: 'deploy', step: 'scrub' }],
        disableRamdisk: false,
      }),
    ends: 'manageable',
    calls: ['prepareAgent', 'scrub', 'rebootAgent', 'tearDownAgent'],
  },
  {
    name: 'cleaning of child nodes',
    node: {},
    child: { driver_info: { has_dedicated_power_supply: true } },
    begin: async (conductor, node) =>
      await conductor.call('do_node_clean', {
        node,
        steps: [
          { interface: 'power', step: 'power_on', onChildren: [] },
          { interface: 'deploy', step: 'scrub', onChildren: [] },
        ],
        disableRamdisk: false,
      }),
    ends: 'manageable',
    calls: ['power on', 'scrub'],
  },
  {
    name: 'the abort of cleaning that is held',
    node: agentIsKnown,
    held: 'abort',
    begin: async (conductor, node) =>
      await conductor.call('do_node_clean', {
        node,
        steps: [
          { interface: 'deploy', step: 'erase' },
          { interface: 'deploy', step: 'hold' },
        ],
        disableRamdisk: false,
      }),
    ends: 'clean failed',
    calls: ['prepareAgent', 'erase', 'cleanUpRamdisk'],
  },
  {
    name: 'the abort of a deployment that is held, and the removal after it',
    node: { provision_state: 'available', ...agentIsKnown },
    held: 'abort',
    begin: async (conductor, node) =>
      await conductor.call('do_node_deploy', {
        ...deployIn(node),
        steps: [{ interface: 'deploy', step: 'hold', priority: 90 }],
      }),
    ends: 'deploy failed',
    calls: ['prepare', 'deploy', 'cleanUpRamdisk', 'tearDown', 'cleanUp'],
  },
  {
    name: 'the abort of a service that is held, and the return of the instance',
    node: { provision_state: 'active', ...agentIsKnown },
    held: 'abort',
    begin: async (conductor, node) =>
      await conductor.call('do_node_service', {
        node,
        steps: [
          { interface: 'deploy', step: 'wipe' },
          { interface: 'deploy', step: 'hold' },
        ],
        disableRamdisk: false,
      }),
    ends: 'active',
    calls: ['prepareAgent', 'agent wipe', 'tearDownAgent', 'prepareInstance'],
  },
  {
    name: 'returning from a rescue',
    node: { provision_state: 'rescue' },
    begin: async (conductor, node) => await conductor.call('do_node_unrescue', { node }),
    ends: 'active',
    calls: ['unrescue'],
  },
  {
    name: 'a failure',
    node: { provision_state: 'available', automated_clean: false },
    begin: async (conductor, node) =>
      await conductor.call('do_node_deploy', {
        ...deployIn(node),
        steps: [{ interface: 'deploy', step: 'nobody_has_it', priority: 10 }],
      }),
    ends: 'deploy failed',
    calls: ['prepare', 'deploy', 'cleanUpRamdisk'],
  },
];

const anyWait = { kind: 'wait', for: 'agent', changes: agentIsKnown } as const;

/** Steps wait for the agent once, in each conductor's life, so that the waits are among the boundaries. */
async function aGround({ script }: Partial<Pick<Scenario, 'script'>> = {}): Promise<Ground> {
  const ground = await Ground.make();
  script?.(ground);
  ground.driver.agentSteps = [anAgentStep('wipe', 50)];
  for (const call of ['prepareAgent', 'deploy', 'agent wipe', 'rescue']) ground.driver.next(call, anyWait);
  return ground;
}

const isHeld = ({ provision_state: state }: NodeRecord): boolean => stateRow(state).kind === 'held';

const waitsForSomebody = (node: NodeRecord): boolean =>
  node.reservation === null && (isWaiting(node.provision_state) || isHeld(node));

/** The agent gives a sign of life; where an operator is waited for, that one lets go. */
async function moveOn(
  conductor: TestConductor,
  node: NodeRecord,
  { held = 'unhold' }: Pick<Scenario, 'held'> = {},
): Promise<void> {
  if (!isHeld(node)) return await hearAgent(conductor, node.uuid);
  await conductor.call('do_provisioning_action', { node: node.uuid, action: held });
}

/** The agent keeps giving signs of life until nothing is open and nobody holds the node. */
async function followToTheEnd(
  ground: Ground,
  conductor: TestConductor,
  uuid: string,
  scenario: Pick<Scenario, 'held'> = {},
): Promise<void> {
  await ground.clock.until(async () => {
    const node = await ground.read(uuid);
    if (waitsForSomebody(node)) await moveOn(conductor, node, scenario);
    return node.reservation === null && (await ground.operation(uuid)) === undefined;
  }, `the end of the operation on ${uuid}`);
}

/** Runs to the end, or to the boundary of that number, where the conductor dies. Gives the boundaries. */
async function runOnce(
  ground: Ground,
  scenario: Scenario,
  dieAt: number | null,
): Promise<{ uuid: string; boundaries: string[]; conductor: TestConductor }> {
  const boundaries: string[] = [];
  let isDead = false;
  const conductor = await ground.conductor({
    checkpoint: async (name, _node, kill) => {
      boundaries.push(name);
      if (boundaries.length !== dieAt) return;
      isDead = true;
      await kill();
    },
  });
  const uuid = await ground.node(conductor, scenario.node);
  if (scenario.child) await ground.node(conductor, { ...scenario.child, parent_node: uuid });
  // A call during which the conductor dies is never answered.
  void scenario.begin(conductor, uuid);
  await ground.clock.settle();
  await ground.clock.until(async () => {
    if (isDead) return true;
    const node = await ground.read(uuid);
    if (waitsForSomebody(node)) {
      const heard = moveOn(conductor, node, scenario);
      await ground.clock.settle();
      if (isDead) return true;
      await heard;
    }
    return node.reservation === null && (await ground.operation(uuid)) === undefined;
  });
  return { uuid, boundaries, conductor };
}

describe('a conductor that dies', () => {
  for (const scenario of scenarios)
    test(`at any boundary of ${scenario.name} costs nobody anything`, async () => {
      await using first = await aGround(scenario);
      const { boundaries, uuid } = await runOnce(first, scenario, null);
      const end = await first.read(uuid);
      assert.equal(end.provision_state, scenario.ends, end.last_error ?? '');
      for (let dieAt = 1; dieAt <= boundaries.length; dieAt += 1) {
        const where = `killed at ${dieAt}: ${boundaries[dieAt - 1]}`;
        await using ground = await aGround(scenario);
        const { uuid: node, conductor } = await runOnce(ground, scenario, dieAt);
        conductor.kill();
        const next = await ground.conductor();
        await followToTheEnd(ground, next, node, scenario);
        const after = await ground.read(node);
        assert.equal(after.provision_state, scenario.ends, `${where}: ${after.last_error}`);
        const firsts = [...new Set(ground.driver.calls.map(({ name }) => name))];
        assert.deepEqual(
          firsts.filter((name) => scenario.calls.includes(name)),
          scenario.calls,
          where,
        );
      }
    });

  test('and the next one, at every boundary in turn, still leaves the work done', async () => {
    await using ground = await aGround();
    const seen = new Set<string>();
    let isDead = false;
    const start = async (): Promise<TestConductor> => {
      isDead = false;
      return await ground.conductor({
        checkpoint: async (name, _node, kill) => {
          if (seen.has(name)) return;
          seen.add(name);
          isDead = true;
          await kill();
        },
      });
    };
    let conductor = await start();
    const uuid = await ground.node(conductor, { provision_state: 'available' });
    void conductor.call('do_node_deploy', deployIn(uuid));
    await ground.clock.settle();
    await ground.clock.until(async () => {
      if (isDead) {
        conductor.kill();
        conductor = await start();
        return false;
      }
      const node = await ground.read(uuid);
      if (waitsForSomebody(node)) {
        const heard = moveOn(conductor, node);
        await ground.clock.settle();
        if (!isDead) await heard;
        return false;
      }
      return node.reservation === null && (await ground.operation(uuid)) === undefined;
    });
    assert.equal((await ground.read(uuid)).provision_state, 'active');
    assert.ok(seen.size > 10);
  });

  test('and comes back under another host name goes on where no other conductor can be', async () => {
    for (const boundary of ['deploy:deploy.deploy:run', 'deploy:deploy.deploy:committed']) {
      await using ground = await aGround();
      const conductor = await ground.conductor({
        hostname: 'container-1',
        checkpoint: async (name, _node, kill) => {
          if (name === boundary) await kill();
        },
      });
      const uuid = await ground.node(conductor, { provision_state: 'available' });
      void conductor.call('do_node_deploy', deployIn(uuid));
      await ground.clock.settle();
      conductor.kill();
      const next = await ground.conductor({ hostname: 'container-2', isAlone: true });
      await followToTheEnd(ground, next, uuid);
      assert.equal((await ground.read(uuid)).provision_state, 'active', boundary);
      const place = { uuid, driver: 'fake-hardware', conductor_group: '' };
      assert.equal(await next.ring.hostFor(place), 'container-2');
    }
  });

  test('in a step that must not be repeated fails the operation, with words, and does not repeat it', async () => {
    for (const boundary of ['deploy:deploy.burn_fuse:begun', 'deploy:deploy.burn_fuse:ran']) {
      await using ground = await Ground.make();
      const conductor = await ground.conductor({
        checkpoint: async (name, _node, kill) => {
          if (name === boundary) await kill();
        },
      });
      const uuid = await ground.node(conductor, { provision_state: 'available' });
      await conductor.call('do_node_deploy', {
        ...deployIn(uuid),
        steps: [{ interface: 'deploy', step: 'burn_fuse', priority: 90 }],
      });
      await ground.clock.settle();
      conductor.kill();
      await ground.conductor();
      const node = await ground.untilAtRest(uuid);
      assert.equal(node.provision_state, 'deploy failed');
      assert.match(node.last_error ?? '', /burn_fuse was interrupted and must not be done twice/);
      assert.equal(ground.driver.callsOf('burn_fuse').length, boundary.endsWith(':ran') ? 1 : 0);
    }
  });

  for (const [when, boundary] of [
    ['before such a step began', 'deploy:deploy.burn_fuse:run'],
    ['after such a step’s end was committed', 'deploy:deploy.burn_fuse:committed'],
  ] as const)
    test(`${when} does not hinder it`, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor({
        checkpoint: async (name, _node, kill) => {
          if (name === boundary) await kill();
        },
      });
      const uuid = await ground.node(conductor, { provision_state: 'available' });
      await conductor.call('do_node_deploy', {
        ...deployIn(uuid),
        steps: [{ interface: 'deploy', step: 'burn_fuse', priority: 90 }],
      });
      await ground.clock.settle();
      conductor.kill();
      await ground.conductor();
      assert.equal((await ground.untilAtRest(uuid)).provision_state, 'active');
      assert.equal(ground.driver.callsOf('burn_fuse').length, 1);
    });
});
