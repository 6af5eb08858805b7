// What must hold when the store, the time or another request comes at the worst moment.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ground } from './testing/a-conductor.ts';

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
