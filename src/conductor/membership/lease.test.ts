import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TemporaryFailure } from '#model/faults.ts';
import { Lease, LeaseLapsed } from './lease.ts';
import { Ground } from '../testing/a-conductor.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';

/** A lease of 50 s, on a clock of its own. */
function aLease(timeoutSeconds = 60) {
  const clock = new VirtualClock();
  const stopping = new AbortController();
  const lease = new Lease({ hostname: 'conductor-1', clock, timeoutSeconds, stopping: stopping.signal });
  return { clock, stopping, lease };
}

describe('a lease', () => {
  test('does not hold before it began', () => {
    const { lease } = aLease();
    assert.equal(lease.holds, false);
    assert.throws(() => lease.signal.throwIfAborted(), LeaseLapsed);
  });

  test('lapses before the others may take over, counted from before the sign of life was written', async () => {
    const { clock, lease } = aLease();
    lease.begin(clock.now() - 10_000);
    await clock.pass(39_999);
    assert.equal(lease.holds, true);
    await clock.pass(1);
    assert.equal(lease.holds, false);
  });

  test('goes on with each renewal, and rings for what only waits when it ends', async () => {
    const { clock, lease } = aLease();
    lease.begin(clock.now());
    const { signal } = lease;
    let rang = 0;
    signal.addEventListener('abort', () => (rang = clock.now()));
    const began = clock.now();
    await clock.pass(30_000);
    assert.equal(lease.renew(clock.now()), true);
    await clock.pass(60_000);
    assert.equal(rang - began, 80_000);
    assert.ok(signal.reason instanceof TemporaryFailure);
  });

  test('is found lapsed by who asks first, though no timer rang: the process was frozen', () => {
    let now = 0;
    const stopping = new AbortController();
    const clock = { now: () => now, sleep: async () => await new Promise<never>(() => {}) };
    const lease = new Lease({
      hostname: 'conductor-1',
      clock,
      timeoutSeconds: 60,
      stopping: stopping.signal,
    });
    lease.begin(now);
    const { signal } = lease;
    const derived = AbortSignal.any([signal]);
    now = 50_000;
    assert.equal(derived.aborted, false, 'what is made of it does not look by itself');
    assert.throws(() => signal.throwIfAborted(), LeaseLapsed);
    assert.equal(derived.aborted, true);
  });

  test('that lapsed is not renewed; after a new beginning what the old term began stays ended', async () => {
    const { clock, lease } = aLease();
    lease.begin(clock.now());
    const { signal } = lease;
    await clock.pass(50_000);
    assert.equal(lease.renew(clock.now()), false);
    lease.begin(clock.now());
    assert.equal(lease.holds, true);
    assert.equal(signal.aborted, true);
    assert.notEqual(lease.signal, signal);
  });

  test('always holds where there is no rival', async () => {
    const { clock, lease } = aLease(Infinity);
    lease.begin(clock.now());
    await clock.pass(315_576_000_000);
    assert.equal(lease.holds, true);
  });

  test('ends with the conductor, for good', () => {
    const { clock, stopping, lease } = aLease();
    lease.begin(clock.now());
    stopping.abort(new Error('stops'));
    lease.begin(clock.now());
    assert.throws(() => lease.signal.throwIfAborted(), /stops/);
  });
});

/** Signs of life every 10 s, dead for the others after 60 s. */
const lively = { settings: { conductor: { heartbeat_interval: 10, heartbeat_timeout: 60 } } };

describe('a conductor that could not say that it lives', () => {
  test('asks nothing more of the machine, then takes up its work anew from the last commit', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(lively);
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', async ({ clock }) => {
      ground.failCommits(8);
      // A step that looks at no signal.
      await clock.sleep(65_000);
      return { kind: 'done' };
    });
    ground.driver.next('erase', async (task) => {
      await task.setPower('power on');
      return { kind: 'done' };
    });
    const began = ground.clock.now();
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.ok(ground.clock.now() - began > 65_000);
    assert.deepEqual(
      ground.driver.callsOf('erase').map(({ attempt }) => attempt),
      [1, 2],
    );
    assert.equal(ground.driver.callsOf('scrub').length, 1);
  });

  test('does not take over from itself when a run of the term before comes to its end late', async () => {
    await using ground = await Ground.make();
    const settings = { conductor: { ...lively.settings.conductor, check_provision_state_interval: 20 } };
    const conductor = await ground.conductor({ settings });
    const uuid = await ground.node(conductor);
    ground.driver.next('erase', async ({ clock }) => {
      ground.failCommits(8);
      await clock.sleep(120_000);
      return { kind: 'done' };
    });
    ground.driver.next('erase', async ({ clock }) => {
      await clock.sleep(300_000);
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
    assert.deepEqual(
      ground.driver.callsOf('erase').map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  test('does not begin the next step, nor change the power, in the term that is over', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(lively);
    const uuid = await ground.node(conductor);
    let refused: unknown;
    ground.driver.next('erase', async (task) => {
      ground.failCommits(1000);
      await task.clock.sleep(50_000);
      refused = await task.setPower('power on').catch((error: unknown) => error);
      return { kind: 'done' };
    });
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    await ground.clock.pass(200_000);
    assert.ok(refused instanceof LeaseLapsed);
    assert.equal(ground.driver.callsOf('power on').length, 0);
    assert.equal(ground.driver.callsOf('scrub').length, 0);
    assert.equal((await ground.read(uuid)).provision_state, 'cleaning');
  });

  test('takes no new work, with words that say to try again', async () => {
    await using ground = await Ground.make();
    const conductor = await ground.conductor(lively);
    const uuid = await ground.node(conductor);
    ground.failCommits(100);
    await ground.clock.pass(60_000);
    ground.failCommits(0);
    await assert.rejects(
      conductor.call('do_provisioning_action', { node: uuid, action: 'provide' }),
      TemporaryFailure,
    );
    await ground.clock.pass(10_000);
    await conductor.call('do_provisioning_action', { node: uuid, action: 'provide' });
    assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
  });
});
