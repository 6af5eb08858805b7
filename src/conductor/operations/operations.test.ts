import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readEvents } from '#db/events.ts';
import { readNode, updateNode } from '#db/nodes.ts';
import { readOperations } from '#db/operations.ts';
import { InvalidStateRequested, NodeLocked, NoFreeConductorWorker } from '#model/faults.ts';
import { Ground, hearAgent } from '../testing/a-conductor.ts';
import { agentIsKnown, anAgentStep, hang } from '../testing/scripted-driver.ts';

const waitForAgent = { kind: 'wait', for: 'agent', changes: agentIsKnown } as const;

describe('a step’s outcome', () => {
  test('done: the next step runs, and the node ends free in the state it was to come to', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'available');
    assert.equal(node.target_provision_state, null);
    assert.deepEqual(node.clean_step, {});
    assert.deepEqual(
      ground.driver.calls.map(({ name }) => name),
      ['prepareAgent', 'erase', 'scrub', 'tearDownAgent'],
    );
    assert.equal((await ground.lastOperation(uuid)).state, 'done');
  });

  test('wait for the agent: the node is free meanwhile, and a heartbeat runs the step again', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('prepareAgent', waitForAgent);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    const waiting = await ground.untilWaits(uuid);
    assert.equal(waiting.provision_state, 'clean wait');
    assert.equal((await ground.operation(uuid))?.state, 'waiting');
    await hearAgent(conductor, uuid);
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.equal(ground.driver.callsOf('prepareAgent').length, 2);
  });

  test('wait for the agent, who spoke while the step was at work: it runs again at once', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('prepareAgent', async (task) => {
      await task.save(agentIsKnown);
      await hearAgent(conductor, uuid);
      return { kind: 'wait', for: 'agent' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
  });

  test('wait for the agent, who speaks while the wait is being committed: it runs again', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    const heard: Promise<void>[] = [];
    ground.driver.next('prepareAgent', async (task) => {
      await task.save(agentIsKnown);
      heard.push(Promise.resolve().then(async () => await hearAgent(conductor, uuid)));
      return { kind: 'wait', for: 'agent' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    await Promise.all(heard);
  });

  test('wait for the agent with a poll: the step runs again when the time has come, without a heartbeat', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('prepareAgent', { ...waitForAgent, pollSeconds: 30 });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    const before = ground.clock.now();
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.equal(ground.clock.now() - before, 30_000);
  });

  test('wait for a poll: the step runs again after that time, with what it noted', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    const seen: unknown[] = [];
    ground.driver.next(
      'erase',
      async (task) => {
        await task.note({ job: 'job-7' });
        return { kind: 'wait', for: 'poll', afterSeconds: 90 };
      },
      async (task) => {
        seen.push(task.memo, ground.clock.now());
        return { kind: 'done' };
      },
    );
    const before = ground.clock.now();
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.untilWaits(uuid);
    assert.deepEqual((await ground.read(uuid)).clean_step, {
      interface: 'deploy',
      step: 'erase',
      args: {},
      priority: 20,
      abortable: true,
    });
    await ground.untilAtRest(uuid);
    assert.deepEqual(seen, [{ job: 'job-7' }, before + 90_000]);
    assert.equal(ground.driver.callsOf('scrub').length, 1);
  });

  for (const thenRepeatStep of [true, false])
    test(`wait for a reboot: the agent is booted again, the step ${thenRepeatStep ? 'repeated' : 'done'}`, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor();
      const uuid = await ground.node(conductor);
      ground.driver.next('erase', { kind: 'wait', for: 'reboot', thenRepeatStep });
      ground.driver.next('rebootAgent', waitForAgent);
      await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
      await ground.untilWaits(uuid);
      await hearAgent(conductor, uuid);
      await ground.untilAtRest(uuid);
      const again = thenRepeatStep ? ['erase'] : [];
      assert.deepEqual(
        ground.driver.calls.map(({ name }) => name),
        ['prepareAgent', 'erase', 'rebootAgent', 'rebootAgent', ...again, 'scrub', 'tearDownAgent'],
      );
    });

  test('a throw: the operation fails with its words, what was begun is undone, the node is free', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', new Error('the disk does not answer'));
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'clean failed');
    assert.equal(node.last_error, 'the disk does not answer');
    assert.equal(node.maintenance, true);
    assert.equal(node.fault, 'clean failure');
    assert.equal(ground.driver.callsOf('cleanUpRamdisk').length, 1);
    assert.equal((await ground.lastOperation(uuid)).state, 'failed');
  });

  test('a throw in the clean-up too: the first error is the one that is told', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', new Error('the disk does not answer'));
    ground.driver.next('cleanUpRamdisk', new Error('nor does the BMC'));
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'clean failed');
    assert.equal(node.last_error, 'the disk does not answer');
  });

  test('remaining steps: what the agent offers is merged into the plan by priority', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.agentSteps = [anAgentStep('first', 99), anAgentStep('last', 1), anAgentStep('off', 0)];
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.untilAtRest(uuid);
    assert.deepEqual(
      ground.driver.calls.map(({ name }) => name),
      ['prepareAgent', 'agent first', 'erase', 'scrub', 'agent last', 'tearDownAgent'],
    );
  });
});

describe('while an operation runs', () => {
  test('the node is held: another request is refused, a heartbeat is noted', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    const { promise, resolve } = Promise.withResolvers<void>();
    ground.driver.next('erase', async (task) => {
      await task.save(agentIsKnown);
      await promise;
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.clock.until(() => ground.driver.callsOf('erase').length === 1);
    await hearAgent(conductor, uuid);
    const node = await ground.read(uuid);
    assert.equal(node.reservation, 'conductor-1');
    assert.equal(node.driver_internal_info['agent_url'], 'http://127.0.0.1:9999');
    await assert.rejects(
      ground.clock.untilSettled(
        conductor.call('change_node_power_state', { node: uuid, target: 'power on', timeoutSeconds: null }),
      ),
      NodeLocked,
    );
    resolve();
    await ground.untilAtRest(uuid);
  });

  test('a stop of the conductor ends its step, and the next one goes on from there', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({ settings: { conductor: { graceful_shutdown_timeout: 5 } } });
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', hang);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.clock.until(() => ground.driver.callsOf('erase').length === 1);
    await conductor.stop();
    assert.equal((await ground.read(uuid)).provision_state, 'cleaning');
    await ground.conductor();
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.deepEqual(
      ground.driver.callsOf('erase').map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  test('the loss of its lock ends it without another write', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', async () => {
      await ground.store.write(
        async (transaction) => await updateNode(transaction, uuid, { reservation: 'another' }),
      );
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.clock.until(() => ground.logged.some(({ level }) => level === 'warn'));
    const node = await ground.read(uuid);
    assert.equal(node.provision_state, 'cleaning');
    assert.equal(node.reservation, 'another');
    assert.equal(ground.driver.callsOf('scrub').length, 0);
  });

  test('a store that refuses commits for a while does not end it', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', async () => {
      ground.failCommits(3);
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.deepEqual(
      ground.driver.callsOf('erase').map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  test('a driver that is no longer enabled after a restart fails it, and gives the node back', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', hang);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.clock.until(() => ground.driver.callsOf('erase').length === 1);
    conductor.kill();
    await ground.conductor({ settings: { DEFAULT: { enabled_deploy_interfaces: ['fake'] } } });
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'clean failed');
    assert.match(node.last_error ?? '', /scripted/);
  });

  test('no more work is accepted than workers and queue hold, and none of it is lost', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      settings: { conductor: { workers_pool_size: 3 }, ingot: { worker_queue_limit: 1 } },
    });
    const uuids = await Promise.all([1, 2, 3, 4, 5].map(async () => await ground.node(conductor)));
    ground.driver.always('erase', async ({ clock }) => {
      await clock.sleep(1000);
      return { kind: 'done' };
    });
    const accepted = await Promise.allSettled(
      uuids.map(async (node) => await conductor.call('do_provisioning_action', { node, action: 'provide' })),
    );
    const refused = accepted.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    assert.equal(refused.length, 1);
    assert.ok(refused[0] instanceof NoFreeConductorWorker);
    for (const [index, uuid] of uuids.entries()) {
      const isAccepted = accepted[index]?.status === 'fulfilled';
      const node = isAccepted ? await ground.untilAtRest(uuid) : await readNode(ground.store.read, uuid);
      assert.equal(node?.provision_state, isAccepted ? 'available' : 'manageable');
    }
  });
});

describe('an abort', () => {
  test('of a step that can be aborted takes effect while it waits', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.always('erase', { kind: 'wait', for: 'poll', afterSeconds: 3600 });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.untilWaits(uuid);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'abort' });
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'clean failed');
    assert.match(node.last_error ?? '', /aborted during deploy\.erase/);
    assert.equal(node.maintenance, false, 'an operator who aborts knows why');
    assert.equal((await ground.lastOperation(uuid)).state, 'aborted');
    assert.equal(ground.driver.callsOf('erase').length, 1);
  });

  test('of one that cannot takes effect when it ends', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.agentSteps = [anAgentStep('flash', 90)];
    ground.driver.next('agent flash', { kind: 'wait', for: 'poll', afterSeconds: 60 });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.untilWaits(uuid);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'abort' });
    assert.equal((await ground.read(uuid)).provision_state, 'clean wait');
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'clean failed');
    assert.match(node.last_error ?? '', /after the step deploy\.flash/);
    assert.equal(ground.driver.callsOf('agent flash').length, 2);
    assert.equal(ground.driver.callsOf('erase').length, 0);
  });

  test('where nothing can be aborted is refused with nothing changed', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    await assert.rejects(
      conductor.call('do_provisioning_action', { node: uuid, action: 'abort' }),
      InvalidStateRequested,
    );
    assert.equal((await ground.read(uuid)).provision_state, 'manageable');
  });
});

test('removal of an instance that is still being deployed replaces the deployment', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor, { provision_state: 'available', automated_clean: false });
  ground.driver.next('deploy', waitForAgent);
  await conductor.call('do_node_deploy', { node: uuid, rebuild: false, configdrive: null, steps: undefined });
  await ground.untilWaits(uuid);
  const replaced = await ground.operation(uuid);
  const whenFreed: (string | null)[] = [];
  ground.signals.on('turns.freed', () => {
    void readOperations(ground.store.read, uuid, 2).then((all) =>
      whenFreed.push(all.find(({ id }) => id === replaced?.id)?.finished_at ?? null),
    );
  });
  await conductor.call('do_node_tear_down', { node: uuid });
  const node = await ground.untilAtRest(uuid);
  assert.equal(node.provision_state, 'available');
  assert.equal(ground.driver.callsOf('write').length, 0);
  assert.ok(whenFreed.length > 0 && !whenFreed.includes(null), 'its place is free once that is committed');
  const events = await readEvents(ground.store.read, { after: null, limit: 1000 });
  const ends = events.filter(
    ({ kind, operation_id }) => kind === 'operation.finished' && operation_id === replaced?.id,
  );
  assert.deepEqual(
    ends.map(({ data }) => data),
    [{ kind: 'deploy', state: 'aborted', error: "Replaced by the operation 'tear down'", fault: null }],
  );
});

test('a reboot that was not yet asked of the BMC when the conductor died still happens, once', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor({
    checkpoint: async (name, _node, kill) => {
      if (name === 'power:flow.set_power:run') await kill();
    },
  });
  const uuid = await ground.node(conductor);
  ground.driver.power.set(uuid, 'power on');
  await conductor.call('change_node_power_state', { node: uuid, target: 'rebooting', timeoutSeconds: null });
  await ground.clock.settle();
  assert.equal(ground.driver.callsOf('rebooting').length, 0);
  await ground.conductor();
  await ground.clock.until(async () => (await ground.read(uuid)).target_power_state === null);
  assert.equal(ground.driver.callsOf('rebooting').length, 1);
});

for (const [bmc, lastReset, reboots] of [
  ['cannot say whether it happened', null, 2],
  ['says that it happened', '2026-01-01T00:00:01Z', 1],
] as const)
  test(`a reboot under way when the conductor died is asked ${reboots} times of a BMC that ${bmc}`, async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.power.set(uuid, 'power on');
    if (lastReset !== null) ground.driver.lastReset.set(uuid, '2026-01-01T00:00:00Z');
    ground.driver.next('rebooting', async (task) => {
      if (lastReset !== null) ground.driver.lastReset.set(uuid, lastReset);
      return await hang(task);
    });
    await conductor.call('change_node_power_state', {
      node: uuid,
      target: 'rebooting',
      timeoutSeconds: null,
    });
    await ground.clock.until(() => ground.driver.callsOf('rebooting').length === 1);
    conductor.kill();
    await ground.conductor();
    await ground.clock.until(async () => (await ground.read(uuid)).target_power_state === null);
    assert.equal(ground.driver.callsOf('rebooting').length, reboots);
  });

test('a timeout of a power change beyond the longest is refused, with nothing changed', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor);
  const call = { node: uuid, target: 'power on', timeoutSeconds: 604_801 };
  await assert.rejects(conductor.call('change_node_power_state', call), /longer than the longest, 604800 s/);
  assert.equal((await ground.read(uuid)).target_power_state, null);
});

describe('a heartbeat while another holds the node', () => {
  test('of an operation that waits for the agent lets it go on when the node is given back', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor);
    ground.driver.next('prepareAgent', waitForAgent);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.untilWaits(uuid);
    const { promise, resolve } = Promise.withResolvers<void>();
    ground.driver.next('rebooting', async () => {
      await promise;
      return { kind: 'done' };
    });
    await conductor.call('change_node_power_state', {
      node: uuid,
      target: 'rebooting',
      timeoutSeconds: null,
    });
    await ground.clock.until(() => ground.driver.callsOf('rebooting').length === 1);
    await hearAgent(conductor, uuid);
    await ground.clock.pass(5000);
    assert.equal(ground.driver.callsOf('prepareAgent').length, 1);
    resolve();
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
  });

  test('in maintenance ends the operation where [conductor]allow_provisioning_in_maintenance is off', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      settings: { conductor: { allow_provisioning_in_maintenance: false } },
    });
    const uuid = await ground.node(conductor);
    ground.driver.next('prepareAgent', waitForAgent);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.untilWaits(uuid);
    await conductor.call('set_maintenance', { node: uuid, maintenance: true, reason: 'at the rack' });
    await hearAgent(conductor, uuid);
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'clean failed');
    assert.match(node.last_error ?? '', /allow_provisioning_in_maintenance is off/);
  });
});

describe('a wait in a state that has none of its own', () => {
  test('leaves the node free, and the step runs again in its time', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const uuid = await ground.node(conductor, { provision_state: 'active', automated_clean: false });
    ground.driver.next('tearDown', { kind: 'wait', for: 'poll', afterSeconds: 90 });
    const began = ground.clock.now();
    await conductor.call('do_node_tear_down', { node: uuid });
    await ground.clock.until(async () => (await ground.operation(uuid))?.state === 'waiting');
    const node = await ground.read(uuid);
    assert.deepEqual([node.provision_state, node.reservation], ['deleting', null]);
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.equal(ground.clock.now() - began, 90_000);
  });

  test('outlives its conductor, and ends when it was too long', async () => {
    await using ground = await Ground.make();
    const limited = { settings: { ingot: { step_wait_timeout: 60 } } };
    const conductor = await ground.conductor(limited);
    const uuid = await ground.node(conductor, { provision_state: 'active' });
    ground.driver.always('tearDown', { kind: 'wait', for: 'agent' });
    const began = ground.clock.now();
    await conductor.call('do_node_tear_down', { node: uuid });
    await ground.clock.pass(20_000);
    conductor.kill();
    await ground.conductor(limited);
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'error');
    assert.match(node.last_error ?? '', /flow\.tear_down did not end within 60 s/);
    assert.equal(ground.clock.now() - began, 60_000);
  });
});

test('what was reserved for a call that died with its conductor is given back at the next start', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor);
  await ground.store.write(
    async (transaction) => await updateNode(transaction, uuid, { reservation: 'conductor-1' }),
  );
  conductor.kill();
  await ground.conductor();
  assert.equal((await ground.read(uuid)).reservation, null);
});
