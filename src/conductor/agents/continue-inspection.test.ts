import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotFound, TemporaryFailure } from '#model/faults.ts';
import { Ground } from '../testing/a-conductor.ts';
import { agentIsKnown, hang } from '../testing/scripted-driver.ts';

const found = (node: string) => ({ node, inventory: { cpu: {} }, pluginData: {} });

test('an agent whose inspection is being taken over is to come again, and is heard then', async () => {
  await using ground = await Ground.make();
  const waits = { kind: 'wait', for: 'agent', pollSeconds: 30, changes: agentIsKnown } as const;
  ground.driver.next('inspect', waits, hang, waits);
  const first = await ground.conductor();
  const uuid = await ground.node(first);
  await assert.rejects(first.call('continue_inspection', found(uuid)), NotFound);
  await first.call('inspect_hardware', { node: uuid });
  await ground.untilWaits(uuid);
  await ground.clock.pass(30_000);
  await assert.rejects(first.call('continue_inspection', found(uuid)), TemporaryFailure);
  first.kill();
  const second = await ground.conductor();
  await ground.untilWaits(uuid);
  await second.call('continue_inspection', found(uuid));
  assert.equal((await ground.untilAtRest(uuid)).provision_state, 'manageable');
  await assert.rejects(second.call('continue_inspection', found(uuid)), NotFound);
});
