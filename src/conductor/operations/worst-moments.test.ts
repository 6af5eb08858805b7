// What must hold when the store, the time or another request comes at the worst moment.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readEvents } from '#db/events.ts';
import { updateNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import { Ground, hearAgent } from '../testing/a-conductor.ts';
import { agentIsKnown } from '../testing/scripted-driver.ts';

describe('an operation', () => {
  test('keeps what a step noted over the reboot that it asks for, so that it ends', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.always('erase', async (task) => {
      if (task.memo['rebooted'] === true) return { kind: 'done' };
      await task.note({ rebooted: true });
      return { kind: 'wait', for: 'reboot', thenRepeatStep: true };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.equal(ground.driver.callsOf('rebootAgent').length, 1);
    assert.equal(ground.driver.callsOf('erase').length, 2);
  });

  test('that followed another on the same lock goes on when the store failed for a while', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, { provision_state: 'active' });
    ground.driver.next('erase', async () => {
      ground.failCommits(3);
      return { kind: 'done' };
    });
    await conductor.call('do_node_tear_down', { node: uuid });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
  });

  test('is not failed by a single commit that the store had no room for', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', async () => {
      ground.failCommits(1);
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
  });

  test('leaves no node held that it only held to mend its power, though the store fails then', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({ settings: { conductor: { sync_power_state_interval: 60 } } });
    const uuid = await ground.node(conductor, { power_state: 'power on' });
    ground.driver.next('power on', async () => {
      ground.failCommits(3);
      throw new Error('The BMC refuses');
    });
    await ground.clock.until(() => ground.driver.callsOf('power on').length === 1);
    await ground.clock.pass(30_000);
    assert.equal((await ground.read(uuid)).reservation, null);
  });

  test('begins no further step when its conductor stops, though no step looks at the signal', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({ settings: { conductor: { graceful_shutdown_timeout: 5 } } });
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', async ({ clock }) => {
      await clock.sleep(60_000);
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.clock.until(() => ground.driver.callsOf('erase').length === 1);
    await conductor.stop();
    assert.equal(ground.driver.callsOf('scrub').length, 0);
    await ground.conductor();
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.equal(ground.driver.callsOf('erase').length, 1);
  });
});

describe('the time limit of a wait', () => {
  const checked = { settings: { conductor: { check_provision_state_interval: 60 } } };
  const look = { kind: 'wait', for: 'agent', pollSeconds: 30, changes: agentIsKnown } as const;

  test('ends a wait though many of a group that has no conductor are overdue for longer', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      settings: { conductor: { ...checked.settings.conductor, periodic_max_workers: 1 } },
    });
    const away = { conductor_group: 'away', provision_state: 'clean wait' } as const;
    for (let made = 0; made < 20; made += 1) {
      const uuid = await ground.node(conductor, away);
      await ground.store.write(
        async (transaction) =>
          await updateNode(transaction, uuid, { provision_updated_at: wireTime(ground.clock.now()) }),
      );
    }
    const own = await ground.node(conductor);
    ground.driver.next('erase', { kind: 'wait', for: 'agent', changes: agentIsKnown });
    await conductor.call('do_provisioning_action', { node: own, action: 'provide' });
    await ground.clock.pass(1_900_000);
    assert.equal((await ground.read(own)).provision_state, 'clean failed');
  });

  for (const [what, outcome, words] of [
    ['for an agent that is looked for every now and then', look, /nothing was heard of the agent for 1800 s/],
    [
      'for a task of the BMC that never ends',
      { kind: 'wait', for: 'poll', afterSeconds: 30 },
      /the step deploy\.erase did not end within 1800 s/,
    ],
  ] as const)
    test(`ends one ${what}`, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor(checked);
      const uuid = await ground.node(conductor);
      ground.driver.always('erase', outcome);
      const began = ground.clock.now();
      await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
      const node = await ground.untilAtRest(uuid);
      assert.equal(node.provision_state, 'clean failed');
      assert.match(node.last_error ?? '', words);
      assert.ok(ground.clock.now() - began < 1_800_000 + 120_000);
    });

  test('is put off by every sign of life of an agent that is also looked for', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(checked);
    const uuid = await ground.node(conductor);
    ground.driver.always('erase', look);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    for (let heard = 0; heard < 5; heard += 1) {
      await ground.clock.pass(1_000_000);
      await hearAgent(conductor, uuid);
    }
    await ground.clock.settle();
    assert.equal((await ground.read(uuid)).provision_state, 'clean wait');
  });

  test('does not end a node whose agent is heard of while others are ended', async () => {
    await using ground = await Ground.make();
    const uuids: string[] = [];
    const heard: Promise<void>[] = [];
    const conductor = await ground.conductor({
      ...checked,
      checkpoint: async (name) => {
        const last = uuids.at(-1);
        if (name === 'clean:failing' && heard.length === 0 && last) heard.push(hearAgent(conductor, last));
      },
    });
    ground.driver.always('prepareAgent', { kind: 'wait', for: 'agent', changes: agentIsKnown });
    for (let made = 0; made < 8; made += 1) uuids.push(await ground.node(conductor));
    for (const node of uuids) await conductor.call('do_provisioning_action', { node, action: 'provide' });
    const [first = '', ...others] = uuids;
    assert.equal((await ground.untilAtRest(first)).provision_state, 'clean failed');
    await ground.clock.settle();
    await Promise.all(heard);
    const states = await Promise.all(others.map(async (uuid) => (await ground.read(uuid)).provision_state));
    assert.deepEqual(states, [...Array<string>(6).fill('clean failed'), 'clean wait']);
  });
});

describe('an agent on its way out', () => {
  test('is not heard of any more once its token is gone, though its heartbeat was under way', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, agentIsKnown);
    const gone = { driver_internal_info: { agent_secret_token: 'of the next boot' } };
    const replaced = ground.store.write(async (transaction) => await updateNode(transaction, uuid, gone));
    await assert.rejects(hearAgent(conductor, uuid), InvalidParameterValue);
    await replaced;
    assert.equal((await ground.read(uuid)).driver_internal_info['agent_url'], undefined);
  });

  test('leaves nothing behind by a heartbeat that comes while the machine goes off', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, agentIsKnown);
    ground.driver.power.set(uuid, 'power on');
    ground.driver.next('power off', async () => {
      await hearAgent(conductor, uuid);
      return { kind: 'done' };
    });
    await conductor.call('change_node_power_state', {
      node: uuid,
      target: 'power off',
      timeoutSeconds: null,
    });
    await ground.clock.until(async () => (await ground.read(uuid)).target_power_state === null);
    assert.deepEqual(Object.keys((await ground.read(uuid)).driver_internal_info).toSorted(), [
      'agent_secret_token',
      'agent_secret_token_pregenerated',
    ]);
  });
});

describe('the recovery of nodes whose BMC was away', () => {
  const away = { maintenance: true, fault: 'power failure', maintenance_reason: 'no answer' } as const;
  const recovering = { conductor: { power_failure_recovery_interval: 300, periodic_max_workers: 1 } };

  test('is not held up by one whose driver is no longer there', async () => {
    await using ground = await Ground.make();
    const first = await ground.conductor();
    await ground.node(first, away);
    const uuid = await ground.node(first, { ...away, power_interface: 'fake', power_state: 'power on' });
    first.kill();
    await ground.conductor({
      settings: { ...recovering, DEFAULT: { enabled_power_interfaces: ['fake'] } },
    });
    await ground.clock.pass(301_000);
    assert.equal((await ground.read(uuid)).maintenance, false);
  });

  test('does not undo what an operator said while the BMC was asked', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({ settings: recovering });
    const uuid = await ground.node(conductor, away);
    const reason = 'I am at the rack';
    ground.driver.power.set(uuid, 'power on');
    ground.driver.whileAsked = async () =>
      await conductor.call('set_maintenance', { node: uuid, maintenance: true, reason });
    await ground.clock.pass(301_000);
    const node = await ground.read(uuid);
    assert.deepEqual([node.maintenance, node.maintenance_reason], [true, reason]);
  });
});

test('power sync does not push a machine whose node went to a state where differences are expected', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor({ settings: { conductor: { sync_power_state_interval: 60 } } });
  const uuid = await ground.node(conductor, { power_state: 'power on' });
  let asked = 0;
  ground.driver.whileAsked = async () => {
    asked += 1;
    const state = { provision_state: 'clean wait' } as const;
    await ground.store.write(async (transaction) => await updateNode(transaction, uuid, state));
  };
  await ground.clock.pass(61_000);
  assert.deepEqual([asked, ground.driver.calls], [1, []]);
});

test('what a failure says of a URL is nowhere told with its credentials', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor, { provision_state: 'available' });
  ground.driver.next('write', new Error('GET http://me:hunter2@images/a?sig=hunter2 failed'));
  await conductor.call('do_node_deploy', { node: uuid, rebuild: false, configdrive: null, steps: undefined });
  const node = await ground.untilAtRest(uuid);
  assert.equal(node.last_error, 'GET http://******@images/a?****** failed');
  const events = await readEvents(ground.store.read, { after: null, limit: 1000 });
  assert.doesNotMatch(JSON.stringify([events, await ground.lastOperation(uuid)]), /hunter2/);
});

test('an operation that fails in a state that cannot fail ends all the same, and says so once', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor);
  ground.driver.next('scrub', async () => {
    await ground.store.write(
      async (transaction) => await updateNode(transaction, uuid, { provision_state: 'active' }),
    );
    throw new Error('the disk is gone');
  });
  await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
  const node = await ground.untilAtRest(uuid);
  assert.deepEqual([node.provision_state, node.maintenance], ['active', true]);
  assert.match(node.maintenance_reason ?? '', /clean failed and could not be ended: .*cannot fail/);
  assert.match(node.last_error ?? '', /^the disk is gone/);
  const { state, error } = await ground.lastOperation(uuid);
  assert.deepEqual([state, error], ['failed', node.last_error]);
  assert.equal(ground.logged.filter(({ level }) => level === 'error').length, 1);
});
