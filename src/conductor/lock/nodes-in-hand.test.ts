// What is held under a conductor's own name, and nobody is at.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { updateNode } from '#db/nodes.ts';
import { Ground } from '../testing/a-conductor.ts';
import { hang } from '../testing/scripted-driver.ts';

const looking = {
  conductor: { heartbeat_interval: 10, heartbeat_timeout: 60, check_provision_state_interval: 60 },
};

describe('a node held without an operation', () => {
  test('is given back by the next look when the store was away for too long to take that it was', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      isAlone: true,
      settings: { conductor: { ...looking.conductor, sync_power_state_interval: 30 } },
    });
    const uuid = await ground.node(conductor, { provision_state: 'active' });
    await ground.store.write(
      async (transaction) => await updateNode(transaction, uuid, { power_state: 'power on' }),
    );
    ground.driver.next('power on', async () => {
      ground.failCommits(Number.MAX_SAFE_INTEGER);
      return { kind: 'done' };
    });
    await ground.clock.until(() => ground.driver.callsOf('power on').length === 1);
    await ground.clock.pass(200_000);
    ground.failCommits(0);
    assert.equal((await ground.read(uuid)).reservation, 'conductor-1');
    await ground.clock.pass(61_000);
    assert.equal((await ground.read(uuid)).reservation, null);
  });

  test('stays held for as long as the call takes that holds it', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      settings: { conductor: { ...looking.conductor, sync_power_state_interval: 30 } },
    });
    const uuid = await ground.node(conductor, { provision_state: 'active' });
    await ground.store.write(
      async (transaction) => await updateNode(transaction, uuid, { power_state: 'power on' }),
    );
    ground.driver.next('power on', async ({ clock }) => {
      await clock.sleep(200_000);
      return { kind: 'done' };
    });
    await ground.clock.until(() => ground.driver.callsOf('power on').length === 1);
    const { reservation_epoch: before } = await ground.read(uuid);
    await ground.clock.pass(190_000);
    const node = await ground.read(uuid);
    assert.deepEqual([node.reservation, node.reservation_epoch], ['conductor-1', before]);
    await ground.clock.pass(20_000);
    assert.equal((await ground.read(uuid)).reservation, null);
  });
});

describe('an operation', () => {
  test('is begun once more by one term only, however long the term before takes to end', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({ settings: looking });
    const uuid = await ground.node(conductor);
    ground.driver.next(
      'erase',
      async ({ clock }) => {
        ground.failCommits(8);
        // A step that looks at no signal.
        await clock.sleep(120_000);
        return { kind: 'done' };
      },
      async ({ clock }) => {
        await clock.sleep(400_000);
        return { kind: 'done' };
      },
    );
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.deepEqual(
      ground.driver.callsOf('erase').map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  test('is not taken up a second time by whoever begins it, however often conductors come and go', async () => {
    await using ground = await Ground.make();
    const { promise: mayBegin, resolve: letBegin } = Promise.withResolvers<void>();
    const conductor = await ground.conductor({
      settings: looking,
      checkpoint: async (name) => {
        if (name === 'clean:begun') await mayBegin;
      },
    });
    const uuid = await ground.node(conductor);
    ground.driver.next('prepareAgent', hang);
    const begun = conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.clock.settle();
    for (let times = 0; times < 3; times += 1) {
      ground.signals.tell('conductors.changed', { hostname: 'another', online: true });
      await ground.clock.settle();
    }
    letBegin();
    await begun;
    await ground.clock.settle();
    assert.equal(ground.driver.callsOf('prepareAgent').length, 1);
  });

  test('that was handed over is left to the others by a conductor that has not ended yet', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({ settings: looking, isAlone: false });
    const [one, other] = [await ground.node(conductor), await ground.node(conductor)];
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    ground.driver.next('erase', hang, async () => {
      await mayEnd;
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: one, action: 'provide' });
    await conductor.call('do_provisioning_action', { node: other, action: 'provide' });
    await ground.clock.until(() => ground.driver.callsOf('erase').length === 2);
    const stopped = conductor.stop();
    await ground.clock.settle();
    end();
    await ground.clock.settle();
    const left = await ground.read(other);
    assert.equal((await ground.operation(other))?.owner, '');
    await ground.clock.pass(30_000);
    assert.equal((await ground.read(other)).reservation_epoch, left.reservation_epoch);
    await stopped;
  });
});
