import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readNode } from '#db/nodes.ts';
import {
  DuplicateName,
  InvalidState,
  MACAlreadyExists,
  NodeAlreadyExists,
  NodeAssociated,
  NodeLocked,
  NodeProtected,
} from '#model/faults.ts';
import type { NodePatch } from '#model/node-record.ts';
import { Ground, type TestConductor } from '../testing/a-conductor.ts';
import { hang } from '../testing/scripted-driver.ts';

const instance = '11111111-1111-4111-8111-111111111111';

async function update(conductor: TestConductor, node: string, patch: NodePatch) {
  const updated = await conductor.call('update_node', { node, patch, resetInterfaces: false });
  return updated ?? assert.fail('without `seen` nothing can have changed since');
}

/** A node in somebody's hands until the end of the test. */
async function aHeldNode(ground: Ground, conductor: TestConductor): Promise<string> {
  const uuid = await ground.node(conductor);
  ground.driver.next('erase', hang);
  await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
  await ground.clock.until(() => ground.driver.callsOf('erase').length === 1);
  return uuid;
}

describe('a node is created', () => {
  test('with the interfaces of its driver where it names none', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    const node = await ground.read(uuid);
    assert.equal(node.deploy_interface, 'scripted');
    assert.equal(node.bios_interface, 'fake');
    assert.equal(node.reservation, null);
  });

  test('once: a name or UUID that is taken is refused with the fault a client knows', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, { name: 'rack-1' });
    await assert.rejects(ground.node(conductor, { name: 'rack-1' }), DuplicateName);
    await assert.rejects(ground.node(conductor, { uuid }), NodeAlreadyExists);
  });
});

describe('a node is changed', () => {
  test('in its columns, and nothing else of it', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, { extra: { rack: 1 } });
    const node = await update(conductor, uuid, { description: 'new' });
    assert.equal(node.description, 'new');
    assert.deepEqual(node.extra, { rack: 1 });
    assert.equal(node.reservation, null);
    assert.equal((await ground.read(uuid)).reservation, null);
  });

  test('not while somebody holds it', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await aHeldNode(ground, conductor);
    await assert.rejects(
      ground.clock.untilSettled(update(conductor, uuid, { description: 'new' })),
      NodeLocked,
    );
  });

  test('in its driver only where nothing depends on it, or in maintenance', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, { provision_state: 'active' });
    await assert.rejects(update(conductor, uuid, { deploy_interface: 'fake' }), InvalidState);
    await conductor.call('set_maintenance', { node: uuid, maintenance: true, reason: null });
    assert.equal((await update(conductor, uuid, { deploy_interface: 'fake' })).deploy_interface, 'fake');
  });

  test('into another instance only when it is free', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    await update(conductor, uuid, { instance_uuid: instance });
    const other = instance.replaceAll('1', '2');
    await assert.rejects(update(conductor, uuid, { instance_uuid: other }), NodeAssociated);
    await update(conductor, uuid, { instance_uuid: null });
    assert.equal((await update(conductor, uuid, { instance_uuid: other })).instance_uuid, other);
  });

  test('out of maintenance together with the reason and the fault', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, {
      maintenance: true,
      maintenance_reason: 'no power',
      fault: 'power failure',
    });
    const node = await update(conductor, uuid, { maintenance: false });
    assert.equal(node.maintenance_reason, null);
    assert.equal(node.fault, null);
  });
});

describe('a node is deleted', () => {
  const cases = [
    { node: { provision_state: 'manageable' }, refused: null },
    { node: { provision_state: 'available' }, refused: null },
    { node: { provision_state: 'active' }, refused: InvalidState },
    { node: { provision_state: 'active', maintenance: true }, refused: null },
    { node: { instance_uuid: instance }, refused: NodeAssociated },
    { node: { maintenance: true, protected: true }, refused: NodeProtected },
  ] as const;
  for (const { node, refused } of cases)
    test(`${JSON.stringify(node)}: ${refused ? `no, ${refused.name}` : 'yes'}`, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor, node);
      const deleted = conductor.call('destroy_node', { node: uuid });
      if (refused) await assert.rejects(deleted, refused);
      else await deleted;
      assert.equal((await readNode(ground.store.read, uuid)) === undefined, refused === null);
    });

  test('not while somebody holds it', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await aHeldNode(ground, conductor);
    await assert.rejects(
      ground.clock.untilSettled(conductor.call('destroy_node', { node: uuid })),
      NodeLocked,
    );
  });
});

describe('a port', () => {
  const address = '52:54:00:00:00:01';

  test('is created once for its address, and goes with its node', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const node = await ground.node(conductor);
    const port = { uuid: instance, node_uuid: node, address };
    await conductor.call('create_port', { port });
    await assert.rejects(
      conductor.call('create_port', { port: { ...port, uuid: instance.replaceAll('1', '2') } }),
      MACAlreadyExists,
    );
    await conductor.call('destroy_node', { node });
    const other = await ground.node(conductor);
    await conductor.call('create_port', { port: { ...port, node_uuid: other } });
  });

  test('is not recabled under an instance, except in maintenance', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const node = await ground.node(conductor, { provision_state: 'active' });
    await conductor.call('create_port', { port: { uuid: instance, node_uuid: node, address } });
    const change = async (): Promise<unknown> =>
      await conductor.call('update_port', { port: instance, patch: { physical_network: 'blue' } });
    await assert.rejects(change(), InvalidState);
    await assert.rejects(
      conductor.call('update_port', { port: instance, patch: { address: '52:54:00:00:00:02' } }),
      InvalidState,
    );
    await conductor.call('set_maintenance', { node, maintenance: true, reason: null });
    await change();
  });
});

test('a patch made from what the node is no longer changes nothing', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor, { extra: { a: 1 } });
  const { extra } = await ground.read(uuid);
  await update(conductor, uuid, { extra: { a: 1, b: 2 } });
  const args = { node: uuid, patch: { extra: { a: 1, c: 3 } }, resetInterfaces: false };
  assert.equal(await conductor.call('update_node', { ...args, seen: { extra } }), null);
  const seen = { extra: { b: 2, a: 1 } };
  assert.ok(await conductor.call('update_node', { ...args, seen }));
  assert.deepEqual((await ground.read(uuid)).extra, { a: 1, c: 3 });
});
