import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BmcProtocolError, BmcUnreachable } from '#bmc/errors.ts';
import type { SettingsOverrides } from '#config/settings.ts';
import { readEvents } from '#db/events.ts';
import { listHistory } from '#db/history-list.ts';
import { updateNode } from '#db/nodes.ts';
import { AgentCommandFailed } from '#drivers/agent/agent-faults.ts';
import { InvalidParameterValue, RedfishConnectionError } from '#model/faults.ts';
import { checkRetryPolicy } from './retry-policy.ts';
import { Ground, hearAgent } from '../testing/a-conductor.ts';
import { agentIsKnown } from '../testing/scripted-driver.ts';

const twice: { settings: SettingsOverrides } = {
  settings: { ingot: { retry_attempts: 2, retry_backoff: 60 } },
};

function away(): Error {
  const cause = new BmcUnreachable('https://bmc', 'the connection was refused', false);
  return new RedfishConnectionError({ node: 'node', error: cause.message }, { cause });
}

const imageIs = (type: string): AgentCommandFailed =>
  new AgentCommandFailed('writing the image', { command: 'write_image', type, message: 'no' });

const firstPage = { sortKey: 'created_at', descending: false, limit: 100, after: undefined } as const;

const provide = (node: string) => ({ node, action: 'provide' });

describe('an operation that failed, which a policy covers', () => {
  test('is undone and waits to be begun anew, with words that say why and when; then it is done', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(twice);
    const uuid = await ground.node(conductor);
    ground.driver.next('scrub', away());
    const began = ground.clock.now();
    await conductor.call('do_provisioning_action', provide(uuid));
    await ground.clock.until(async () => (await ground.operation(uuid))?.wait?.for === 'retry');
    const [node, operation] = [await ground.read(uuid), await ground.operation(uuid)];
    assert.deepEqual([node.provision_state, node.reservation, node.maintenance], ['cleaning', null, false]);
    assert.match(
      node.last_error ?? '',
      /the connection was refused.*\(It is tried again at 2026-01-01T00:00:45.*: 1 of 2\.\)/,
    );
    assert.deepEqual(
      [operation?.retries, operation?.cursor, operation?.attempt, operation?.fault],
      [1, 0, 0, 'bmc-unreachable'],
    );
    assert.equal(ground.driver.callsOf('cleanUpRamdisk').length, 1);
    const ended = await ground.untilAtRest(uuid);
    assert.deepEqual([ended.provision_state, ended.last_error], ['available', null]);
    assert.equal(ground.clock.now() - began, 45_000);
    assert.equal(ground.driver.callsOf('erase').length, 2);
    const events = await readEvents(ground.store.read, { after: null, limit: 1000 });
    const retried = events.find(({ kind }) => kind === 'operation.retried');
    assert.deepEqual(
      [retried?.operation_id, retried?.data['retries'], retried?.data['fault']],
      [operation?.id, 1, 'bmc-unreachable'],
    );
  });

  test('waits twice as long each time, and fails as ever after the last', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(twice);
    const uuid = await ground.node(conductor);
    ground.driver.always('scrub', away());
    const began = ground.clock.now();
    await conductor.call('do_provisioning_action', provide(uuid));
    const node = await ground.untilAtRest(uuid);
    assert.deepEqual([node.provision_state, node.fault], ['clean failed', 'clean failure']);
    assert.doesNotMatch(node.last_error ?? '', /tried again/);
    assert.equal(ground.driver.callsOf('scrub').length, 3);
    assert.equal(ground.clock.now() - began, 45_000 + 90_000);
  });

  test('from a wait goes back to the state it began in; no sign of life hurries it', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      settings: {
        ...twice.settings,
        conductor: { check_provision_state_interval: 60, clean_callback_timeout: 600 },
      },
    });
    const uuid = await ground.node(conductor);
    ground.driver.next('prepareAgent', { kind: 'wait', for: 'agent', changes: agentIsKnown });
    await conductor.call('do_provisioning_action', provide(uuid));
    await ground.clock.until(async () => (await ground.operation(uuid))?.wait?.for === 'retry');
    assert.equal((await ground.operation(uuid))?.fault, 'boot-timeout');
    assert.equal((await ground.read(uuid)).provision_state, 'cleaning');
    await hearAgent(conductor, uuid);
    await ground.clock.settle();
    assert.equal(ground.driver.callsOf('prepareAgent').length, 1);
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
  });

  test('outlives its conductor', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(twice);
    const uuid = await ground.node(conductor);
    ground.driver.next('scrub', away());
    await conductor.call('do_provisioning_action', provide(uuid));
    await ground.clock.until(async () => (await ground.operation(uuid))?.wait?.for === 'retry');
    conductor.kill();
    await ground.conductor(twice);
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
  });

  test('is ended by an abort while it waits, and nothing is undone a second time', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(twice);
    const uuid = await ground.node(conductor);
    ground.driver.next('scrub', away());
    await conductor.call('do_provisioning_action', provide(uuid));
    await ground.clock.until(async () => (await ground.operation(uuid))?.wait?.for === 'retry');
    await conductor.call('do_provisioning_action', { node: uuid, action: 'abort' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'clean failed');
    assert.equal(ground.driver.callsOf('cleanUpRamdisk').length, 1);
  });

  test('fails for good, with words, when it can no longer be planned', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(twice);
    const uuid = await ground.node(conductor);
    ground.driver.next('scrub', async () => {
      await ground.store.write(
        async (transaction) => await updateNode(transaction, uuid, { disable_power_off: true }),
      );
      throw away();
    });
    const steps = [
      { interface: 'deploy', step: 'scrub' },
      { interface: 'power', step: 'power_off' },
    ];
    await conductor.call('do_node_clean', { node: uuid, steps, disableRamdisk: false });
    const node = await ground.untilAtRest(uuid);
    assert.equal(node.provision_state, 'clean failed');
    assert.match(
      node.last_error ?? '',
      /the connection was refused.*\(It is not tried again: .*disable_power_off is set/,
    );
    assert.equal(ground.driver.callsOf('scrub').length, 1);
  });

  test('has its place among those at work meanwhile', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor({
      settings: { ...twice.settings, conductor: { max_concurrent_clean: 1 } },
    });
    const uuid = await ground.node(conductor);
    ground.driver.next('scrub', away());
    await conductor.call('do_provisioning_action', provide(uuid));
    await ground.clock.until(async () => (await ground.operation(uuid))?.wait?.for === 'retry');
    const other = await ground.node(conductor);
    await conductor.call('do_provisioning_action', provide(other));
    assert.equal((await ground.operation(other))?.queue, 'clean');
    for (const node of [uuid, other])
      assert.equal((await ground.untilAtRest(node)).provision_state, 'available');
  });
});

describe('a policy', () => {
  for (const [what, options, error, isTried] of [
    ['is off unless it is asked for', { retry_attempts: 0 }, away(), false],
    ['covers the kinds of failure it names', { retry_faults: ['bmc-error'] }, away(), false],
    [
      'knows an answer that says no',
      { retry_faults: ['bmc-error'] },
      new BmcProtocolError('bmc', 'says no'),
      true,
    ],
    ['knows an image that cannot be fetched', {}, imageIs('ImageDownloadError'), true],
    ['does not trust a wrong checksum', { retry_faults: ['any'] }, imageIs('ImageChecksumError'), false],
    ['does when it names it', { retry_faults: ['image-checksum'] }, imageIs('ImageChecksumError'), true],
    ['of any covers what has no name', { retry_faults: ['any'] }, new Error('the disk is gone'), true],
    ['covers the operations it names', { retry_phases: ['deploy'] }, away(), false],
  ] as const)
    test(what, async () => {
      await using ground = await Ground.make();
      const conductor = await ground.conductor({ settings: { ingot: { retry_attempts: 1, ...options } } });
      const uuid = await ground.node(conductor);
      ground.driver.next('scrub', error);
      await conductor.call('do_provisioning_action', provide(uuid));
      const node = await ground.untilAtRest(uuid);
      assert.equal(node.provision_state, isTried ? 'available' : 'clean failed');
    });

  test('of the node goes before that of the options', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const own = { attempts: 1, backoff: 5, faults: ['any'], phases: ['clean'] };
    const uuid = await ground.node(conductor, { driver_info: { ingot_retry: own } });
    ground.driver.next('scrub', new Error('the disk is gone'));
    const began = ground.clock.now();
    await conductor.call('do_provisioning_action', provide(uuid));
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.equal(ground.clock.now() - began, 3750);
  });

  for (const [given, reason] of [
    [3, /driver_info\/ingot_retry is not an object/],
    [{ attempts: -1 }, /ingot_retry\/attempts is not a whole number from 0 to 100/],
    [{ attempts: '2' }, /ingot_retry\/attempts is not/],
    [{ faults: ['gremlins'] }, /ingot_retry\/faults is not a list of any, bmc-unreachable/],
    [{ phases: ['power'] }, /ingot_retry\/phases is not a list of verify/],
    [{ backoff: Number.NaN }, /ingot_retry\/backoff is not a number of seconds/],
    [
      { backoff: 1e13, backoff_max: 1e13 },
      /ingot_retry\/backoff is not a number of seconds, at least 1 and at most/,
    ],
    [{ backoff: 0 }, /ingot_retry\/backoff is not a number of seconds, at least 1/],
    [{ attempts: 101 }, /ingot_retry\/attempts is not a whole number from 0 to 100/],
    [{ toString: 1 }, /ingot_retry\/toString is not known; there are attempts, faults/],
  ] as const)
    test(`of the node that is ${JSON.stringify(given)} is refused`, () => {
      assert.throws(
        () => checkRetryPolicy({ ingot_retry: given }),
        (error) => error instanceof InvalidParameterValue && reason.test(error.message),
      );
    });

  test('of the node that is wrong is refused when the node is made or changed', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor();
    const driver_info = { ingot_retry: { attempts: 'many' } };
    await assert.rejects(ground.node(conductor, { driver_info }), InvalidParameterValue);
    const node = await ground.node(conductor);
    await assert.rejects(
      conductor.call('update_node', { node, patch: { driver_info }, resetInterfaces: false }),
      InvalidParameterValue,
    );
  });
});

test('the history of a node tells each failure after which it was tried again', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor(twice);
  const uuid = await ground.node(conductor);
  ground.driver.next('scrub', away());
  await conductor.call('do_provisioning_action', provide(uuid));
  await ground.untilAtRest(uuid);
  const told = JSON.stringify(await listHistory(ground.store.read, uuid, firstPage));
  assert.match(told, /It is tried again at .*1 of 2/);
});
