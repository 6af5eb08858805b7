import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { readInventory } from '#db/inventory.ts';
import { readNode, updateNode } from '#db/nodes.ts';
import { allProvisionStates, isLookupAllowed, type ProvisionState } from '#model/provision-states.ts';
import { type ApiUnderTest, innerError, type Reply, startApi } from '../testing/api-under-test.ts';

const mac = '52:54:00:00:00:0a';
const otherMac = '52:54:00:00:00:0b';
const missing = '7e0a3a46-97d0-4b5b-8f4c-999999999999';

describe('the routes of agents', () => {
  let api: ApiUnderTest;
  let node: string;
  let other: string;

  const enrol = async (name: string, address: string): Promise<string> => {
    const { json } = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware', name } });
    await api.request('POST', '/v1/ports', { body: { node_uuid: json.uuid, address } });
    return json.uuid;
  };
  const set = async (provision_state: ProvisionState, info: Record<string, unknown> = {}): Promise<void> => {
    const driver_internal_info = {
      agent_secret_token: null,
      agent_url: null,
      lookup_bmc_addresses: null,
      ...info,
    };
    await api.store.write(
      async (transaction) => await updateNode(transaction, node, { provision_state, driver_internal_info }),
    );
  };
  const lookup = async (query: string, version = '1.115'): Promise<Reply> =>
    await api.request('GET', `/v1/lookup${query}`, { version });
  const heartbeat = async (body: unknown, version = '1.115', ident = node): Promise<Reply> =>
    await api.request('POST', `/v1/heartbeat/${ident}`, { version, body });
  const inspected = async (body: unknown, query = '', version = '1.115'): Promise<Reply> =>
    await api.request('POST', `/v1/continue_inspection${query}`, { version, body });

  before(async () => {
    api = await startApi({ settings: { agent: { require_tls: false } } });
    node = await enrol('one', mac);
    other = await enrol('two', otherMac);
  });
  after(async () => await api[Symbol.asyncDispose]());

  describe('lookup', () => {
    beforeEach(async () => await set('wait call-back'));

    it('finds a node by UUID or MAC addresses, and hands out its token once', async () => {
      const first = await lookup(`?node_uuid=${node}`);
      assert.equal(first.status, 200, first.text);
      assert.equal(first.json.node.uuid, node);
      assert.deepEqual(Object.keys(first.json.node).toSorted(), [
        'driver_internal_info',
        'instance_info',
        'links',
        'properties',
        'uuid',
      ]);
      assert.ok(first.json.config.agent_token.length >= 32);
      assert.equal(first.json.config.agent_token_required, true);
      assert.equal(first.json.config.heartbeat_timeout, 300);
      for (const query of [`?addresses=${mac}`, `?addresses=${mac.toUpperCase()},x`, `?node_uuid=${node}`]) {
        const again = await lookup(query);
        assert.equal(again.json.node.uuid, node);
        assert.equal(again.json.config.agent_token, '******');
        assert.ok(!again.text.includes(first.json.config.agent_token));
      }
    });

    it('does not give a token to an agent too old to keep one', async () => {
      const { agent_token: token } = (await lookup(`?node_uuid=${node}`)).json.config;
      const old = await lookup(`?node_uuid=${node}`, '1.61');
      assert.equal(old.json.config.agent_token, '******');
      assert.ok(!old.text.includes(token));
    });

    it('finds nodes in the states that expect an agent only', async () => {
      for (const state of allProvisionStates) {
        await set(state);
        const { status } = await lookup(`?addresses=${mac}`);
        assert.equal(status, isLookupAllowed(state, { fastTrack: false }) ? 200 : 404, state);
      }
    });

    it('answers alike whatever is not found', async () => {
      const nobody = await lookup(`?node_uuid=${missing}`);
      await set('active');
      const answers = [
        await lookup(`?node_uuid=${node}`),
        await lookup(`?addresses=52:54:00:ff:ff:ff`),
        await lookup(`?addresses=${mac},${otherMac}`),
      ];
      for (const each of answers) assert.deepEqual([each.status, each.text], [404, nobody.text]);
    });

    it('needs something to look for, and 1.22', async () => {
      for (const query of ['', '?addresses=', '?addresses=x', '?node_uuid=x', '?foo=1'])
        assert.equal((await lookup(query)).status, 400, query);
      assert.equal((await lookup(`?node_uuid=${node}`, '1.21')).status, 404);
    });
  });

  describe('heartbeat', () => {
    const url = 'http://192.0.2.1:9999';
    let token: string;
    beforeEach(async () => {
      await set('wait call-back');
      token = (await lookup(`?node_uuid=${node}`)).json.config.agent_token;
    });

    it('is noted when it comes with the token', async () => {
      // Where nothing waits for it, so that nothing follows from it here.
      await set('deploying', { agent_secret_token: token });
      const answer = await heartbeat({ callback_url: url, agent_token: token, agent_version: '11' });
      assert.deepEqual([answer.status, answer.text], [202, '']);
      const stored = await readNode(api.store.read, node);
      assert.equal(stored?.driver_internal_info['agent_url'], url);
      const said = { agent_status: 'error', agent_status_message: 'x'.repeat(10_000) };
      const longer = { callback_url: url, agent_token: token, agent_version: '11', ...said };
      assert.equal((await heartbeat(longer)).status, 202);
      const { driver_internal_info: info } = (await readNode(api.store.read, node)) ?? {};
      assert.equal(info?.['agent_status_message'], 'x'.repeat(4096));
      const moved = { callback_url: 'http://192.0.2.2:9999', agent_token: token, agent_version: '11' };
      assert.equal((await heartbeat(moved)).status, 400);
    });

    it('is refused with what is missing, wrong or newer than the version', async () => {
      const good = { callback_url: url, agent_token: 'wrong', agent_version: '11' };
      const cases: [unknown, string, number][] = [
        [{}, '1.115', 400],
        [null, '1.115', 400],
        [{ ...good }, '1.115', 400],
        [{ ...good, agent_token: undefined }, '1.115', 400],
        [{ ...good, agent_token: null }, '1.115', 400],
        [{ ...good, agent_version: undefined, agent_token: token }, '1.115', 400],
        [{ ...good, callback_url: 5 }, '1.115', 400],
        [{ ...good, callback_url: 'ftp://x', agent_token: token }, '1.115', 400],
        [{ ...good, callback_url: 'x', agent_token: token }, '1.115', 400],
        [{ ...good, callback_url: `${url}/${'x'.repeat(2048)}`, agent_token: token }, '1.115', 400],
        [{ ...good, agent_version: 'x'.repeat(256), agent_token: token }, '1.115', 400],
        [{ ...good, agent_verify_ca: 'x'.repeat(65_537), agent_token: token }, '1.115', 400],
        [{ ...good, foo: 1 }, '1.115', 400],
        [{ ...good, agent_status: 'foo', agent_token: token }, '1.115', 400],
        [{ ...good, agent_token: token }, '1.35', 400],
        [{ ...good, agent_token: token, agent_verify_ca: 'x' }, '1.67', 400],
        [{ ...good, agent_token: token, agent_status: 'end' }, '1.71', 400],
        [{ ...good, agent_token: token }, '1.21', 404],
      ];
      for (const [body, version, status] of cases) {
        const answer = await heartbeat(body, version);
        assert.equal(answer.status, status, `${JSON.stringify(body)} at ${version}: ${answer.text}`);
        assert.ok(!answer.text.includes(token));
      }
      assert.equal((await heartbeat(good, '1.115', missing)).status, 404);
      assert.equal((await heartbeat(good, '1.115', 'a b')).status, 400);
    });
  });

  describe('continue_inspection', () => {
    const inventory = { interfaces: [{ mac_address: mac }], cpu: { count: 2 } };

    const reaches = async (...states: ProvisionState[]): Promise<void> => {
      for (let look = 0; look < 5000; look += 1) {
        const { json } = await api.request('GET', `/v1/nodes/${node}`);
        if (states.includes(json.provision_state) && json.reservation === null) return;
      }
      assert.fail(`the node does not come to ${states.join(' or ')}`);
    };
    /** Has an inspection begin that boots an agent, and wait for it. */
    const inspect = async (info?: Record<string, unknown>): Promise<void> => {
      const { json } = await api.request('GET', `/v1/nodes/${node}/states`);
      if (json.provision_state !== 'inspect wait') {
        await set('manageable');
        const path = `/v1/nodes/${node}/states/provision`;
        const asked = await api.request('PUT', path, { body: { target: 'inspect' } });
        assert.equal(asked.status, 202, asked.text);
        await reaches('inspect wait');
      }
      if (info)
        await api.store.write(
          async (transaction) => await updateNode(transaction, node, { driver_internal_info: info }),
        );
    };
    before(async () => {
      await set('manageable');
      const agent = [{ op: 'add', path: '/inspect_interface', value: 'agent' }];
      assert.equal((await api.request('PATCH', `/v1/nodes/${node}`, { body: agent })).status, 200);
    });

    it('keeps what the agent of a waiting node found, but not its logs', async () => {
      await inspect();
      const answer = await inspected({ inventory, logs: 'long', root_disk: { name: 'sda' } });
      assert.equal(answer.status, 202, answer.text);
      assert.equal(answer.json.node.uuid, node);
      assert.ok('agent_token' in answer.json.config);
      await reaches('manageable', 'inspect failed');
      const kept = await readInventory(api.store.read, node);
      assert.deepEqual(kept, { inventory, plugin_data: { root_disk: { name: 'sda' } } });
    });

    it('finds the node by UUID, by address or by its BMC, and not when they disagree', async () => {
      const bmc = { lookup_bmc_addresses: ['192.0.2.7'] };
      const elsewhere = { interfaces: [{ mac_address: '52:54:00:ff:ff:ff' }], bmc_address: '192.0.2.7' };
      const cases: [Record<string, unknown>, string, number][] = [
        [inventory, `?node_uuid=${node}`, 202],
        [elsewhere, '', 202],
        [elsewhere, `?node_uuid=${node}`, 202],
        [{ ...elsewhere, bmc_address: '192.0.2.8' }, '', 404],
        [inventory, `?node_uuid=${other}`, 404],
        [elsewhere, `?node_uuid=${other}`, 404],
        [{ interfaces: [{ mac_address: mac }, { mac_address: otherMac }] }, '', 404],
        [inventory, `?node_uuid=${missing}`, 404],
      ];
      for (const [found, query, status] of cases) {
        await inspect(bmc);
        const answer = await inspected({ inventory: found }, query);
        assert.equal(answer.status, status, `${JSON.stringify(found)} ${query}: ${answer.text}`);
        if (status === 202) await reaches('manageable', 'inspect failed');
      }
    });

    it('touches no node that does not wait for it', async () => {
      for (const state of ['active', 'inspecting', 'wait call-back'] as const) {
        await set(state);
        assert.equal((await inspected({ inventory })).status, 404);
      }
    });

    it('has the agent come again while its conductor does not wait for it yet', async () => {
      await set('inspecting');
      const reserve = async (reservation: string | null): Promise<void> => {
        await api.store.write(async (transaction) => await updateNode(transaction, node, { reservation }));
      };
      await reserve('its conductor');
      assert.equal((await inspected({ inventory })).status, 409);
      await api.store.write(async (transaction) => {
        const driver_internal_info = { lookup_bmc_addresses: ['192.0.2.7'] };
        await updateNode(transaction, node, { driver_internal_info });
      });
      const elsewhere = { interfaces: [{ mac_address: '52:54:00:ff:ff:ff' }], bmc_address: '192.0.2.7' };
      assert.equal((await inspected({ inventory: elsewhere })).status, 409);
      await reserve(null);
    });

    it('answers agents of 1.84, and of 1.1 in their own form', async () => {
      await inspect();
      assert.equal((await inspected({ inventory }, '', '1.83')).status, 404);
      assert.equal((await inspected({ inventory }, `?node_uuid=${node}`, '1.1')).status, 400);
      const former = await inspected({ inventory }, '', '1.1');
      assert.deepEqual([former.status, former.json], [202, { uuid: node }]);
      await reaches('manageable', 'inspect failed');
    });

    it('refuses what is no inventory', async () => {
      for (const body of [
        {},
        [],
        null,
        { inventory: {} },
        { inventory: { interfaces: [] } },
        { inventory: { interfaces: ['x'] } },
        { inventory: { interfaces: [{}] } },
        { inventory: { interfaces: [{ mac_address: 5 }] } },
        { inventory: { ...inventory, bmc_address: 5 } },
        { inventory: { interfaces: [{ mac_address: 'x' }] } },
        { inventory: { interfaces: Array.from({ length: 40_000 }, () => ({ mac_address: mac })) } },
      ])
        assert.equal((await inspected(body)).status, 400, JSON.stringify(body));
    });
  });

  it('can be turned off', async () => {
    await using closed = await startApi({ settings: { api: { enable_ramdisk_endpoints: false } } });
    for (const [method, path] of [
      ['GET', `/v1/lookup?node_uuid=${node}`],
      ['POST', `/v1/heartbeat/${node}`],
      ['POST', '/v1/continue_inspection'],
    ] as const) {
      const answer = await closed.request(method, path, method === 'POST' ? { body: {} } : {});
      assert.equal(answer.status, 403);
      assert.equal(innerError(answer)['faultcode'], 'Client');
    }
  });
});
