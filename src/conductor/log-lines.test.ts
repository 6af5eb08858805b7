import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RedfishConnectionError } from '#model/faults.ts';
import { Ground } from './testing/a-conductor.ts';

it('every line of an operation that fails says the node, the operation and the request', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const node = await ground.node(conductor, { provision_state: 'available' });
  ground.driver.next('write', async (task) => {
    task.log.warn({ disk: 'sda' }, 'a driver says something');
    throw new RedfishConnectionError({ node, error: 'no route' });
  });
  ground.driver.next('cleanUpRamdisk', new Error('neither'));
  const asked = { requestId: 'req-deploy', userId: null };
  await conductor.call('do_node_deploy', { node, rebuild: false, configdrive: null, steps: [] }, asked);
  await ground.untilAtRest(node);
  const { id: operation } = await ground.lastOperation(node);
  const told = ground.logged.filter(({ level }) => level !== 'debug');
  assert.deepEqual(
    told.map(({ message }) => message),
    [
      'operation begun',
      'a driver says something',
      'operation failed',
      'clean-up after a failure failed too',
      'operation ended',
    ],
  );
  for (const { message, fields } of told) {
    const { node: of, operation: at, request } = { node: '', operation: '', request: '', ...fields };
    assert.deepEqual([of, at, request], [node, operation, 'req-deploy'], message);
  }
});
