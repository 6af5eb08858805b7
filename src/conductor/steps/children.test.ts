// Steps that a node's children carry out, and the power that they share.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InvalidParameterValue } from '#model/faults.ts';
import type { AskedStep } from '#protocol/operation.ts';
import { Ground, type TestConductor } from '../testing/a-conductor.ts';

const clean = async (conductor: TestConductor, node: string, steps: AskedStep[]): Promise<void> =>
  await conductor.call('do_node_clean', { node, steps, disableRamdisk: false });

const onChildren = (step: string, limit: string[] = []): AskedStep => ({
  interface: 'deploy',
  step,
  onChildren: limit,
});

async function aFamily(
  ground: Ground,
  conductor: TestConductor,
): Promise<{ parent: string; children: [string, string] }> {
  const parent = await ground.node(conductor);
  const child = async (): Promise<string> => await ground.node(conductor, { parent_node: parent });
  return { parent, children: [await child(), await child()] };
}

const act = async (conductor: TestConductor, node: string, target: string): Promise<void> =>
  await conductor.call('change_node_power_state', { node, target, timeoutSeconds: null });

describe('a step for child nodes', () => {
  test('runs on each child, not on the node', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const { parent, children } = await aFamily(ground, conductor);
    await clean(conductor, parent, [onChildren('scrub')]);
    assert.equal((await ground.untilAtRest(parent)).provision_state, 'manageable');
    assert.deepEqual(
      ground.driver.callsOf('scrub').map(({ node }) => node),
      children,
    );
    for (const uuid of children) assert.equal((await ground.read(uuid)).reservation, null);
  });

  test('runs on those alone that it names', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const { parent, children } = await aFamily(ground, conductor);
    await clean(conductor, parent, [onChildren('scrub', [children[1]])]);
    await ground.untilAtRest(parent);
    assert.deepEqual(
      ground.driver.callsOf('scrub').map(({ node }) => node),
      [children[1]],
    );
  });

  test('fails the node’s operation when one child fails, naming it, and leaves the others be', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const { parent, children } = await aFamily(ground, conductor);
    ground.driver.next('scrub', new Error('The card is out of its slot'));
    await clean(conductor, parent, [onChildren('scrub')]);
    const node = await ground.untilAtRest(parent);
    assert.equal(node.provision_state, 'clean failed');
    assert.match(node.last_error ?? '', new RegExp(`child node ${children[0]}: The card is out`));
    assert.equal(ground.driver.callsOf('scrub').length, 1);
    assert.equal((await ground.read(children[0])).reservation, null);
  });

  test('that would go on by itself is left going only where the settings permit', async () => {
    for (const permitted of [false, true]) {
      await using ground = await Ground.make();
      const settings = { conductor: { permit_child_node_step_async_result: permitted } };
      const conductor = await ground.conductor({ settings });
      const { parent } = await aFamily(ground, conductor);
      ground.driver.always('scrub', { kind: 'wait', for: 'agent' });
      await clean(conductor, parent, [onChildren('scrub')]);
      const { provision_state } = await ground.untilAtRest(parent);
      assert.equal(provision_state, permitted ? 'manageable' : 'clean failed');
    }
  });

  test('turns children off, on and over, and cannot hold them', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const { parent, children } = await aFamily(ground, conductor);
    ground.driver.power.set(parent, 'power on');
    await clean(conductor, parent, [onChildren('power_on'), onChildren('reboot'), onChildren('power_off')]);
    assert.equal((await ground.untilAtRest(parent)).provision_state, 'manageable');
    const acted = ground.driver.calls.map(({ name, node }) => [name, children.indexOf(node)]);
    assert.deepEqual(acted, [
      ['power on', 0],
      ['power on', 1],
      ['rebooting', 0],
      ['rebooting', 1],
      ['power off', 0],
      ['power off', 1],
    ]);
    for (const step of ['hold', 'wait'])
      await assert.rejects(clean(conductor, parent, [onChildren(step)]), InvalidParameterValue);
  });

  test('that was interrupted goes on with the child it had come to', async () => {
    for (const dieAt of [1, 2]) {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const { parent, children } = await aFamily(ground, conductor);
      // The conductor dies while it is at this child.
      for (let child = 1; child < dieAt; child += 1) ground.driver.next('scrub', { kind: 'done' });
      ground.driver.next('scrub', async () => {
        conductor.kill();
        return await new Promise<never>(() => {});
      });
      await clean(conductor, parent, [onChildren('scrub')]);
      await ground.clock.settle();
      await ground.conductor();
      assert.equal((await ground.untilAtRest(parent)).provision_state, 'manageable');
      const ran = ground.driver.callsOf('scrub').map(({ node }) => children.indexOf(node));
      assert.deepEqual(ran, dieAt === 1 ? [0, 0, 1] : [0, 1, 1]);
    }
  });
});

describe('power that is shared', () => {
  test('goes on at the parent before it goes on at the child', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const { parent, children } = await aFamily(ground, conductor);
    await act(conductor, children[0], 'power on');
    await ground.untilAtRest(children[0]);
    assert.deepEqual(
      ground.driver.callsOf('power on').map(({ node }) => node),
      [parent, children[0]],
    );
    assert.equal((await ground.read(parent)).power_state, 'power on');
  });

  test('goes off at the children before it goes off at the parent, but where a child has its own', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const { parent, children } = await aFamily(ground, conductor);
    const driver_info = { has_dedicated_power_supply: 'true' };
    const apart = await ground.node(conductor, { parent_node: parent, driver_info });
    for (const uuid of [parent, ...children, apart]) ground.driver.power.set(uuid, 'power on');
    await act(conductor, parent, 'power off');
    await ground.untilAtRest(parent);
    assert.deepEqual(
      ground.driver.callsOf('power off').map(({ node }) => node),
      [...children, parent],
    );
    await act(conductor, apart, 'power on');
    await ground.untilAtRest(apart);
    assert.equal((await ground.read(parent)).power_state, 'power off');
  });

  test('cannot be had from a parent that somebody else holds', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const { parent, children } = await aFamily(ground, conductor);
    ground.driver.next('scrub', async ({ clock }) => {
      await clock.sleep(600_000);
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: parent, action: 'provide' });
    await ground.clock.until(() => ground.driver.callsOf('scrub').length === 1);
    await act(conductor, children[0], 'power on');
    const child = await ground.untilAtRest(children[0]);
    assert.match(
      child.last_error ?? '',
      new RegExp(`Parent node ${parent} of node ${children[0]} is locked`),
    );
  });
});
