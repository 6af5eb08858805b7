import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConductors } from '#db/conductors.ts';
import { addHistory } from '#db/history.ts';
import type { Reader, Store } from '#db/store.ts';
import { wireTime } from '#model/clock.ts';
import { Ground } from '../testing/a-conductor.ts';
import type { ConductorWorkings } from '../workings.ts';
import { syncPowerState } from './sync-power-state.ts';

const hour = 3600;

test('an active node that another conductor prepared is prepared by its own, once, with its console', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor({
    settings: {
      conductor: { sync_local_state_interval: 180 },
      DEFAULT: { enabled_deploy_interfaces: ['scripted', 'noop', 'fake'] },
    },
  });
  const active = { provision_state: 'active', conductor_affinity: 'conductor-2' } as const;
  const taken = await ground.node(conductor, active);
  const plain = await ground.node(conductor, { ...active, deploy_interface: 'noop' });
  const left = [
    await ground.node(conductor, { ...active, maintenance: true }),
    await ground.node(conductor, { ...active, provision_state: 'manageable' }),
  ];
  await ground.clock.pass(181_000);
  for (const uuid of [taken, plain])
    assert.equal((await ground.read(uuid)).conductor_affinity, 'conductor-1');
  for (const uuid of left) assert.equal((await ground.read(uuid)).conductor_affinity, 'conductor-2');
  assert.equal((await ground.read(taken)).reservation, null);
  await ground.clock.pass(400_000);
  assert.deepEqual(
    ground.driver.callsOf('takeOver').map(({ node }) => node),
    [taken],
  );
});

test('a node that was deployed is prepared by the conductor that deployed it', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  const uuid = await ground.node(conductor, { provision_state: 'available' });
  await conductor.call('do_node_deploy', { node: uuid, rebuild: false, configdrive: null, steps: undefined });
  assert.equal((await ground.untilAtRest(uuid)).conductor_affinity, 'conductor-1');
});

test('a conductor that is gone for long enough is forgotten, with what it prepared', async () => {
  await using ground = await Ground.make();
  const first = await ground.conductor();
  await first.stop();
  const conductor = await ground.conductor({
    hostname: 'conductor-2',
    settings: {
      conductor: {
        conductor_cleanup_interval: hour,
        conductor_cleanup_timeout: 3 * hour,
        heartbeat_interval: hour / 2,
      },
    },
  });
  const uuid = await ground.node(conductor, { conductor_affinity: 'conductor-1' });
  await ground.clock.pass(2.5 * hour * 1000);
  assert.equal((await readConductors(ground.store.read)).length, 2);
  await ground.clock.pass(2 * hour * 1000);
  assert.deepEqual(
    (await readConductors(ground.store.read)).map(({ hostname }) => hostname),
    ['conductor-2'],
  );
  assert.equal((await ground.read(uuid)).conductor_affinity, null);
});

test('history is kept for the days it must be, and then to its number, batch by batch', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor({
    settings: {
      conductor: {
        node_history_max_entries: 3,
        node_history_minimum_days: 2,
        node_history_cleanup_interval: hour,
        node_history_cleanup_batch_count: 4,
      },
    },
  });
  const nodes = [await ground.node(conductor), await ground.node(conductor)];
  const countOf = async (uuid: string): Promise<number> =>
    (await ground.store.read.selectFrom('node_history').where('node_uuid', '=', uuid).select('id').execute())
      .length;
  await ground.store.write(async (transaction) => {
    for (const [index, node_uuid] of nodes.entries())
      for (let line = 0; line < 10; line += 1) {
        const created_at = wireTime(ground.clock.now() - (49 - 2.5 * index) * hour * 1000);
        const said = {
          conductor: 'c',
          severity: 'ERROR',
          event_type: 'verify',
          event: 'e',
          user: null,
        } as const;
        await addHistory(transaction, { ...said, uuid: crypto.randomUUID(), node_uuid, created_at }, 0);
      }
  });
  assert.deepEqual(await Promise.all(nodes.map(countOf)), [10, 10]);
  await ground.clock.pass(1.1 * hour * 1000);
  assert.deepEqual(await Promise.all(nodes.map(countOf)), [3, 10]);
  await ground.clock.pass(hour * 1000);
  assert.deepEqual(await Promise.all(nodes.map(countOf)), [3, 3]);
});

test('sensors of machines with an instance are told, and how the conductor does', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor({ settings: { sensor_data: { send_sensor_data: true } } });
  const uuid = await ground.node(conductor, { provision_state: 'active', name: 'rack-1' });
  await ground.node(conductor, { provision_state: 'available' });
  await ground.clock.pass(601_000);
  const events = await ground.store.read
    .selectFrom('events')
    .select(['node_uuid', 'data'])
    .where('kind', '=', 'sensors.read')
    .orderBy('id')
    .execute();
  assert.deepEqual(
    events.map(({ node_uuid }) => node_uuid),
    [null, uuid],
  );
  assert.match(events[0]?.data ?? '', /"event_type":"ironic.metrics.update"/);
  assert.match(
    events[1]?.data ?? '',
    /"event_type":"hardware.fake-hardware.metrics.update".*"node_name":"rack-1"/,
  );
});

test('a pass over the power states asks the store for pages, not for nodes', async () => {
  await using ground = await Ground.make();
  const conductor = await ground.conductor();
  for (let made = 0; made < 150; made += 1) await ground.node(conductor, { power_state: 'power off' });
  let reads = 0;
  const counting: Reader = Object.create(conductor.store.read, {
    selectFrom: {
      value: (table: 'nodes') => {
        reads += 1;
        return conductor.store.read.selectFrom(table);
      },
    },
  });
  const refuse = async (): Promise<never> => assert.fail('nothing has changed that could be written');
  const store: Store = { ...conductor.store, read: counting, write: refuse };
  const { signal } = new AbortController();
  const workings = { parts: { ...conductor, store }, signal } as unknown as ConductorWorkings; // all that it takes
  await syncPowerState().run(workings, { requestId: 'req-test', userId: null });
  assert.equal(reads, 3, 'a hundred nodes, fifty, and none');
});
