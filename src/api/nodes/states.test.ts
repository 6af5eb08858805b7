import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { addHistory } from '#db/history.ts';
import { putInventory } from '#db/inventory.ts';
import { readNode, updateNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import { type ApiUnderTest, innerError, type Reply, startApi } from '../testing/api-under-test.ts';
import { nodeStateRoutes } from './states-routes.ts';

describe('what stands below a node', () => {
  let api: ApiUnderTest;
  let node: string;
  let count = 0;

  const send = async (method: string, path: string, body?: unknown, version = '1.115'): Promise<Reply> =>
    await api.request(method, `/v1/nodes/${node}${path}`, { version, ...(body !== undefined && { body }) });
  const set = async (provision_state: ProvisionState): Promise<void> => {
    await api.store.write(async (transaction) => await updateNode(transaction, node, { provision_state }));
  };

  before(async () => (api = await startApi()));
  beforeEach(async () => {
    const body = { driver: 'fake-hardware', name: `node-${++count}` };
    node = (await api.request('POST', '/v1/nodes', { body })).json.uuid;
  });
  after(async () => await api[Symbol.asyncDispose]());

  it('shows the states, to each version its own', async () => {
    const keysAt = async (version: string): Promise<string[]> =>
      Object.keys((await send('GET', '/states', undefined, version)).json);
    const always = [
      'console_enabled',
      'last_error',
      'power_state',
      'provision_state',
      'target_power_state',
      'target_provision_state',
      'provision_updated_at',
    ];
    assert.deepEqual(await keysAt('1.11'), always);
    assert.deepEqual(await keysAt('1.12'), [...always, 'raid_config', 'target_raid_config']);
    assert.equal((await keysAt('1.75')).length, 11);
    await set('available');
    assert.equal((await send('GET', '/states', undefined, '1.1')).json.provision_state, null);
    assert.equal((await send('GET', '/states', undefined, '1.2')).json.provision_state, 'available');
    assert.equal((await send('GET', '/states?foo=1')).status, 400);
  });

  it('takes a verb with 202, no body, and the way to the states under the name that was used', async () => {
    const asked = await send('PUT', '/states/provision', { target: 'manage' });
    assert.deepEqual([asked.status, asked.text], [202, '']);
    assert.equal(asked.headers.get('content-type'), null);
    assert.equal(asked.headers.get('location'), `${api.url}/v1/nodes/${node}/states`);
    const power = await api.request('PUT', `/v1/nodes/node-${count}/states/power?target=power on`);
    assert.equal(power.headers.get('location'), `${api.url}/v1/nodes/node-${count}/states`);
  });

  it('reads arguments of a verb from the body or the query, and refuses others', async () => {
    for (const path of ['/states/provision', '/states/power', '/states/boot_mode', '/states/secure_boot']) {
      for (const body of [{}, [], null, 'x', { target: 5 }, { target: [] }, { target: 'manage', foo: 1 }])
        assert.equal((await send('PUT', path, body)).status, 400, `${path} ${JSON.stringify(body)}`);
      const malformed = await api.request('PUT', `/v1/nodes/${node}${path}`, { raw: '{"target":' });
      assert.equal(malformed.status, 400);
    }
  });

  it('is told apart from nodes that do not exist and names that are none', async () => {
    const paths = nodeStateRoutes.map(({ method, path }) => ({ method, path: path.replace(':event', 'x') }));
    for (const { method, path } of paths.filter((each) => each.path.includes(':node'))) {
      const body = { body: { target: 'manage', boot_device: 'pxe' } };
      for (const ident of ['7e0a3a46-97d0-4b5b-8f4c-999999999999', 'nobody']) {
        const reply = await api.request(
          method,
          `/v1${path.replace(':node', ident)}`,
          method === 'PUT' ? body : {},
        );
        assert.ok(reply.status === 404 || reply.status === 400, `${method} ${path} for ${ident}`);
      }
    }
    const unknown = await api.request('PUT', '/v1/nodes/nobody/states/power', {
      body: { target: 'power on' },
    });
    assert.equal(unknown.status, 404);
    const bad = await api.request('PUT', '/v1/nodes/a b/states/power', { body: { target: 'power on' } });
    assert.deepEqual([bad.status, innerError(bad)['faultcode']], [400, 'Client']);
  });

  it('sets maintenance with its reason, and clears it', async () => {
    const seen = async (): Promise<unknown[]> => {
      const { json } = await send('GET', '?fields=maintenance,maintenance_reason');
      return [json.maintenance, json.maintenance_reason];
    };
    for (const [body, reason] of [
      [{ reason: 'wärtung ☃' }, 'wärtung ☃'],
      [{}, null],
      [undefined, null],
      [[], null],
      [{ reason: null }, null],
    ] as const) {
      assert.equal((await send('PUT', '/maintenance', body)).status, 202);
      assert.deepEqual(await seen(), [true, reason]);
      assert.equal((await send('DELETE', '/maintenance')).status, 202);
      assert.deepEqual(await seen(), [false, null]);
    }
    for (const body of [{ reason: 5 }, { reason: 'x', foo: 1 }])
      assert.equal((await send('PUT', '/maintenance', body)).status, 400);
    assert.equal((await send('DELETE', '/maintenance', { a: 1 })).status, 400);
    const homeless = { driver: 'fake-hardware', provision_state: 'enroll', conductor_group: '' } as const;
    await api.store.write(
      async (transaction) => await updateNode(transaction, node, { ...homeless, conductor_group: 'nowhere' }),
    );
    assert.equal((await send('PUT', '/maintenance', {})).status, 400);
    assert.equal((await send('PUT', '/states/power', { target: 'power on' })).status, 404);
  });

  it('sets and shows the boot device', async () => {
    const path = '/management/boot_device';
    assert.equal((await send('PUT', path, { boot_device: 'pxe', persistent: 'yes' })).status, 204);
    assert.deepEqual((await send('GET', path)).json, { boot_device: 'pxe', persistent: false });
    assert.deepEqual((await send('GET', `${path}/supported`)).json, { supported_boot_devices: ['pxe'] });
    for (const body of [
      {},
      { boot_device: null },
      { boot_device: 'foo' },
      { boot_device: 'pxe', persistent: 'maybe' },
    ])
      assert.equal((await send('PUT', path, body)).status, 400, JSON.stringify(body));
    assert.equal((await send('PUT', '/management/inject_nmi', {}, '1.28')).status, 404);
    assert.equal((await send('PUT', '/management/inject_nmi', {})).status, 400);
  });

  it('changes the boot mode from 1.76, and not while something is going on', async () => {
    assert.equal((await send('PUT', '/states/boot_mode', { target: 'uefi' }, '1.75')).status, 404);
    assert.equal((await send('PUT', '/states/boot_mode', { target: 'x' })).status, 400);
    assert.equal((await send('PUT', '/states/boot_mode', { target: null })).status, 400);
    assert.equal((await send('PUT', '/states/secure_boot', { target: 'maybe' })).status, 400);
    assert.equal((await send('PUT', '/states/secure_boot', { target: null })).status, 400);
    for (const state of ['deploying', 'wait call-back', 'cleaning'] as const) {
      await set(state);
      assert.equal((await send('PUT', '/states/boot_mode', { target: 'uefi' })).status, 409);
      assert.equal((await send('PUT', '/states/secure_boot', { target: true })).status, 409);
    }
  });

  it('says whether each interface has what it needs, by path and by query', async () => {
    const shown = await send('GET', '/validate');
    assert.equal(shown.status, 200);
    assert.deepEqual(shown.json.power, { result: true });
    assert.ok('storage' in shown.json);
    for (const query of [`node_uuid=${node}`, `node=node-${count}`])
      assert.deepEqual((await api.request('GET', `/v1/nodes/validate?${query}`)).json, shown.json);
    assert.equal((await api.request('GET', '/v1/nodes/validate')).status, 400);
    assert.equal((await send('GET', '/validate?foo=1')).status, 400);
  });

  it('shows the inventory that was stored, from 1.81', async () => {
    assert.equal((await send('GET', '/inventory', undefined, '1.80')).status, 404);
    assert.equal((await send('GET', '/inventory')).status, 404);
    const found = { inventory: { cpu: { count: 2 } }, plugin_data: { a: [1] } };
    await api.store.write(async (transaction) => await putInventory(transaction, node, found, wireTime(0)));
    assert.deepEqual((await send('GET', '/inventory')).json, found);
  });

  describe('its history', () => {
    const uuids = [1, 2, 3].map((each) => `00000000-0000-4000-8000-00000000000${each}`);
    const record = async (): Promise<void> => {
      await api.store.write(async (transaction) => {
        await transaction.deleteFrom('node_history').execute();
        for (const [at, uuid] of uuids.entries())
          await addHistory(
            transaction,
            {
              uuid,
              node_uuid: node,
              created_at: wireTime(at * 1000),
              conductor: 'host-1',
              severity: 'ERROR',
              event_type: 'cleaning',
              event: at === 0 ? 'e'.repeat(300) : `event ${at}`,
              user: null,
            },
            0,
          );
      });
    };
    beforeEach(record);

    it('comes page by page, oldest first, with long events cut short', async () => {
      const whole = await send('GET', '/history');
      assert.deepEqual(
        whole.json.history.map((line: { uuid: string }) => line.uuid),
        uuids,
      );
      assert.equal(whole.json.history[0].event, `${'e'.repeat(251)}...`);
      assert.equal(whole.json.next, undefined);
      const first = await send('GET', '/history?limit=2&detail=true');
      assert.equal(first.json.history[0].event, 'e'.repeat(300));
      const rest = await api.request('GET', first.json.next.slice(api.url.length));
      assert.deepEqual(
        rest.json.history.map((line: { uuid: string }) => line.uuid),
        [uuids[2]],
      );
      assert.equal(rest.json.history[0].conductor, 'host-1');
      const newest = await send('GET', '/history?sort_dir=desc&limit=1');
      assert.equal(newest.json.history[0].uuid, uuids[2]);
    });

    it('shows a line by its UUID, to the node it belongs to only', async () => {
      const line = await send('GET', `/history/${uuids[0]}`, undefined, '1.78');
      assert.equal(line.status, 200);
      assert.deepEqual(Object.keys(line.json), [
        'uuid',
        'created_at',
        'severity',
        'event_type',
        'event',
        'conductor',
        'user',
        'links',
      ]);
      assert.deepEqual(line.json.links, [
        { href: `${api.url}/v1/nodes/${node}/history/${uuids[0]}`, rel: 'self' },
      ]);
      const newest = await send('GET', `/history/${uuids[0]}`);
      for (const key of ['project', 'state', 'target_provision_state', 'duration_seconds'])
        assert.ok(key in newest.json, key);
      const other = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
      const foreign = await api.request('GET', `/v1/nodes/${other.json.uuid}/history/${uuids[0]}`);
      assert.equal(foreign.status, 404);
    });

    it('refuses what it cannot mean', async () => {
      for (const [path, status] of [
        ['?limit=0', 400],
        ['?limit=x', 400],
        ['?marker=bad', 400],
        ['?marker=7e0a3a46-97d0-4b5b-8f4c-999999999999', 404],
        ['?sort_key=UUID', 400],
        ['?sort_dir=up', 400],
        ['?detail=x', 400],
        ['?fields=uuid', 400],
        ['/bad', 404],
        ['/a b', 400],
      ] as const)
        assert.equal((await send('GET', `/history${path}`)).status, status, path);
      const early = await send('GET', '/history', undefined, '1.77');
      assert.deepEqual([early.status, innerError(early)['code']], [404, 404]);
    });
  });

  it('keeps what a client was told: a refused verb changes nothing', async () => {
    const before = await readNode(api.store.read, node);
    assert.equal((await send('PUT', '/states/provision', { target: 'active' })).status, 400);
    assert.equal((await send('PUT', '/states/provision', { target: 'inspect' }, '1.5')).status, 406);
    assert.deepEqual(await readNode(api.store.read, node), before);
  });
});
