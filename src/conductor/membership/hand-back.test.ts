// A node that goes to another conductor and comes back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ground, hearAgent } from '../testing/a-conductor.ts';
import { agentIsKnown } from '../testing/scripted-driver.ts';

const looking = {
  conductor: { heartbeat_interval: 10, heartbeat_timeout: 60, check_provision_state_interval: 60 },
};

test('what waits is woken in its own time, though a timer of a wait from before the hand-over is still set', async () => {
  await using ground = await Ground.make();
  const start = async (hostname: string) =>
    await ground.conductor({ hostname, isAlone: false, settings: looking });
  const first = await start('conductor-1');
  const uuid = await ground.node(first);
  const polls = (afterSeconds: number) =>
    ({ kind: 'wait', for: 'poll', afterSeconds, changes: agentIsKnown }) as const;
  ground.driver.next('erase', polls(1700), polls(70));
  await first.call('do_provisioning_action', { node: uuid, action: 'provide' });
  await ground.untilWaits(uuid);
  // By its name the ring gives the node to one of these.
  const others = [];
  for (let number = 2; (await ground.operation(uuid))?.owner === 'conductor-1'; number += 1) {
    others.push(await start(`conductor-${number}`));
    await ground.clock.settle();
  }
  const second = others.at(-1) ?? assert.fail();
  await hearAgent(second, uuid);
  await ground.clock.until(() => ground.driver.callsOf('erase').length === 2);
  await ground.clock.settle();
  for (const other of others) await other.stop();
  await ground.clock.settle();
  assert.equal((await ground.operation(uuid))?.owner, 'conductor-1');
  const began = ground.clock.now();
  assert.equal((await ground.untilAtRest(uuid)).provision_state, 'available');
  assert.ok(ground.clock.now() - began < 100_000, `${ground.clock.now() - began}`);
});
