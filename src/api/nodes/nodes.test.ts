import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readNode, updateNode } from '#db/nodes.ts';
import { allNodeFields, nodeField, nodeSortKeys } from '#model/node-fields.ts';
import type { NodePatch } from '#model/node-record.ts';
import { mask } from '#model/secrets.ts';
import { type ApiUnderTest, innerError, startApi } from '../testing/api-under-test.ts';

const fake = { driver: 'fake-hardware' };

/** Creates a node by the API; gives its UUID. */
async function aNode(api: ApiUnderTest, fields: Record<string, unknown> = {}): Promise<string> {
  const reply = await api.request('POST', '/v1/nodes', { body: { ...fake, ...fields } });
  assert.equal(reply.status, 201, reply.text);
  return String(reply.json.uuid);
}

/** Brings a node where no request of a test could. */
async function become(api: ApiUnderTest, uuid: string, columns: NodePatch): Promise<void> {
  await api.store.write(
    async (transaction) => await updateNode(transaction, uuid, columns as Parameters<typeof updateNode>[2]),
  );
}

describe('nodes', () => {
  let api: ApiUnderTest;
  const patch = async (node: string, ...operations: object[]) =>
    await api.request('PATCH', `/v1/nodes/${node}`, { body: operations });
  before(async () => {
    api = await startApi();
  });
  after(async () => await api[Symbol.asyncDispose]());

  describe('create', () => {
    it('answers the whole node and where it is, with what its driver gave it', async () => {
      const reply = await api.request('POST', '/v1/nodes', {
        body: { ...fake, name: 'first', maintenance: 'yes', driver_info: { password: 'p' } },
      });
      assert.equal(reply.status, 201);
      assert.equal(reply.headers.get('location'), `${api.url}/v1/nodes/${reply.json.uuid}`);
      assert.equal(reply.json.maintenance, true);
      assert.equal(reply.json.provision_state, 'enroll');
      assert.equal(reply.json.power_interface, 'fake');
      assert.deepEqual(reply.json.driver_info, { password: mask });
      const shown = await api.request('GET', '/v1/nodes/first');
      assert.deepEqual(shown.json, reply.json);
    });

    it('takes each field from its microversion on and refuses it before', async () => {
      const values: Record<string, unknown> = { string: 'x', boolean: true, object: {} };
      for (const name of allNodeFields) {
        const { since, create, type, values: few } = nodeField(name);
        if (create !== 'optional' || since === 1 || name.endsWith('_interface')) continue;
        if (name === 'parent_node' || name === 'conductor_group') continue;
        const body = { ...fake, [name]: few?.[0] ?? values[type] };
        const status = async (minor: number) =>
          (await api.request('POST', '/v1/nodes', { body, version: `1.${minor}` })).status;
        assert.equal(await status(since - 1), 406, name);
        assert.equal(await status(since), 201, name);
      }
    });

    const refused: readonly [string, Record<string, unknown>, number][] = [
      ['no driver', {}, 400],
      ['a driver that nobody has', { driver: 'nope' }, 400],
      ['an unknown field', { ...fake, foo: 1 }, 400],
      ['a field that is not to be set', { ...fake, provision_state: 'active' }, 400],
      ['a value of another type', { ...fake, extra: [] }, 400],
      ['a truth that is none', { ...fake, maintenance: 'maybe' }, 400],
      ['a UUID that is none', { ...fake, instance_uuid: 'x' }, 400],
      ['a reserved name', { ...fake, name: 'detail' }, 400],
      ['a name like a UUID', { ...fake, name: '11111111-2222-4333-8444-555555555555' }, 400],
      ['a name with a space', { ...fake, name: 'a b' }, 400],
      ['a text too long', { ...fake, resource_class: 'r'.repeat(81) }, 400],
      ['properties that do not count', { ...fake, properties: { cpus: 'many' } }, 400],
      ['a chassis that is not there', { ...fake, chassis_uuid: '11111111-2222-4333-8444-555555555555' }, 400],
      ['a parent that is not there', { ...fake, parent_node: 'nobody' }, 400],
      ['an interface that is not there', { ...fake, power_interface: 'nope' }, 400],
      ['network data without networks', { ...fake, network_data: { links: [], services: [] } }, 400],
    ];
    for (const [what, body, status] of refused)
      it(`refuses ${what}`, async () => {
        assert.equal((await api.request('POST', '/v1/nodes', { body })).status, status);
      });

    it('gives no name twice', async () => {
      const uuid = await aNode(api, { name: 'once' });
      const status = async (body: object) =>
        (await api.request('POST', '/v1/nodes', { body: { ...fake, ...body } })).status;
      assert.equal(await status({ name: 'once' }), 409);
      assert.equal(await status({ uuid: uuid.toUpperCase() }), 409);
    });

    it('answers anything with less than 500', async () => {
      const field = fc.constantFrom(...allNodeFields, 'foo', '__proto__');
      const body = fc.oneof(
        fc.jsonValue(),
        fc.dictionary(field, fc.jsonValue()).map((fields) => ({ ...fake, ...fields })),
      );
      await fc.assert(
        fc.asyncProperty(body, fc.integer({ min: 1, max: 115 }), async (body, minor) => {
          const reply = await api.request('POST', '/v1/nodes', {
            raw: JSON.stringify(body),
            version: `1.${minor}`,
          });
          assert.ok(reply.status < 500, reply.text);
        }),
        { numRuns: 150 },
      );
    });
  });

  describe('patch', () => {
    it('changes what it names and nothing else, or nothing at all', async () => {
      const uuid = await aNode(api, { extra: { a: 1 }, owner: 'me' });
      const changed = await patch(
        uuid,
        { op: 'add', path: '/extra/b', value: 2 },
        { op: 'replace', path: '/description', value: 'd' },
      );
      assert.equal(changed.status, 200);
      assert.deepEqual([changed.json.extra, changed.json.description], [{ a: 1, b: 2 }, 'd']);
      const failed = await patch(
        uuid,
        { op: 'remove', path: '/owner' },
        { op: 'remove', path: '/extra/none' },
      );
      assert.equal(failed.status, 400);
      const { json } = await api.request('GET', `/v1/nodes/${uuid}`);
      assert.deepEqual([json.owner, json.extra], ['me', { a: 1, b: 2 }]);
    });

    it('a mask that was read and sent back leaves the secret as it was', async () => {
      const uuid = await aNode(api, { driver_info: { password: 'p', user: 'u', deep: { token: 't' } } });
      const read = (await api.request('GET', `/v1/nodes/${uuid}`)).json.driver_info;
      const replaced = await patch(uuid, {
        op: 'replace',
        path: '/driver_info',
        value: { ...read, user: 'other' },
      });
      assert.equal(replaced.status, 200);
      const stored = await readNode(api.store.read, uuid);
      assert.deepEqual(stored?.driver_info, { password: 'p', user: 'other', deep: { token: 't' } });
      const madeUp = await patch(uuid, { op: 'add', path: '/driver_info/new_password', value: mask });
      assert.equal(madeUp.status, 400);
    });

    it('fields that are not to be patched are refused, each by its name', async () => {
      const uuid = await aNode(api);
      for (const name of allNodeFields) {
        if (nodeField(name).patch !== undefined) continue;
        const reply = await patch(uuid, { op: 'replace', path: `/${name}`, value: null });
        assert.equal(reply.status, 400, name);
        assert.match(String(innerError(reply)['faultstring']), new RegExp(name));
      }
    });

    it('a field is refused below its microversion, but may be removed', async () => {
      const uuid = await aNode(api, { owner: 'me' });
      const at49 = async (operation: object) =>
        (await api.request('PATCH', `/v1/nodes/${uuid}`, { body: [operation], version: '1.49' })).status;
      assert.equal(await at49({ op: 'replace', path: '/owner', value: 'you' }), 406);
      assert.equal(await at49({ op: 'remove', path: '/owner' }), 200);
    });

    it('protects an instance only where there can be one, and says why only while it does', async () => {
      const uuid = await aNode(api);
      const protect = { op: 'add', path: '/protected', value: true };
      const reason = { op: 'add', path: '/protected_reason', value: 'because' };
      assert.equal((await patch(uuid, protect)).status, 409);
      assert.equal((await patch(uuid, reason)).status, 400);
      await become(api, uuid, { provision_state: 'active' });
      assert.equal((await patch(uuid, protect, reason)).status, 200);
      const { json } = await patch(uuid, { op: 'replace', path: '/protected', value: false });
      assert.deepEqual([json.protected, json.protected_reason], [false, null]);
    });

    it('limits fields to the states of their rows, unless the node is in maintenance', async () => {
      const uuid = await aNode(api, { resource_class: 'gold' });
      await become(api, uuid, { provision_state: 'active' });
      const change = { op: 'replace', path: '/resource_class', value: 'silver' };
      assert.equal((await patch(uuid, change)).status, 409);
      await become(api, uuid, { maintenance: true });
      assert.equal((await patch(uuid, change)).status, 200);
    });

    it('waits for transitions to end, but lets an instance go in maintenance', async () => {
      const instance_uuid = '11111111-2222-4333-8444-666666666666';
      const uuid = await aNode(api, { instance_uuid });
      await become(api, uuid, {
        provision_state: 'deploying',
        target_provision_state: 'active',
        maintenance: true,
      });
      assert.equal((await patch(uuid, { op: 'add', path: '/extra/a', value: 1 })).status, 409);
      assert.equal((await patch(uuid, { op: 'remove', path: '/instance_uuid' })).status, 200);
    });

    it('a second instance is refused while the first is there', async () => {
      const uuid = await aNode(api, { instance_uuid: '11111111-2222-4333-8444-777777777777' });
      const value = '11111111-2222-4333-8444-888888888888';
      assert.equal((await patch(uuid, { op: 'replace', path: '/instance_uuid', value })).status, 409);
    });

    it('reset_interfaces goes with a change of the driver, from 1.45 on', async () => {
      const uuid = await aNode(api);
      const reset = async (operation: object, version: string) =>
        (
          await api.request('PATCH', `/v1/nodes/${uuid}?reset_interfaces=true`, {
            body: [operation],
            version,
          })
        ).status;
      const driver = { op: 'replace', path: '/driver', value: 'fake-hardware' };
      assert.equal(await reset(driver, '1.44'), 406);
      assert.equal(await reset(driver, '1.45'), 200);
      assert.equal(await reset({ op: 'add', path: '/extra/a', value: 1 }, '1.45'), 400);
    });

    it('answers anything with less than 500', async () => {
      const uuid = await aNode(api, { extra: { a: [1] } });
      const path = fc.oneof(
        fc.constantFrom(...allNodeFields).map((name) => `/${name}`),
        fc.constantFrom('/extra/a/0', '/extra/a/-', '/extra/__proto__', '/properties/cpus', '/foo', ''),
      );
      const operation = fc.record(
        { op: fc.constantFrom('add', 'replace', 'remove'), path, value: fc.jsonValue() },
        { requiredKeys: ['op', 'path'] },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 4 }), async (operations) => {
          const reply = await patch(uuid, ...operations);
          assert.ok(reply.status < 500, reply.text);
        }),
        { numRuns: 200 },
      );
    });
  });

  describe('delete', () => {
    it('removes a node by its name, once', async () => {
      await aNode(api, { name: 'leaving' });
      assert.equal((await api.request('DELETE', '/v1/nodes/leaving')).status, 204);
      assert.equal((await api.request('DELETE', '/v1/nodes/leaving')).status, 404);
      assert.equal((await api.request('DELETE', '/v1/nodes')).status, 400);
      assert.equal((await api.request('DELETE', '/v1/nodes/a%20b')).status, 400);
    });
  });
});

describe('lists of nodes', () => {
  let api: ApiUnderTest;
  let chassis: string;
  before(async () => {
    api = await startApi();
    chassis = (await api.request('POST', '/v1/chassis', { body: {} })).json.uuid;
    const parent = await aNode(api, {
      name: 'one',
      resource_class: 'gold',
      owner: 'me',
      description: 'the 1st',
      shard: 'a',
      chassis_uuid: chassis,
    });
    await aNode(api, { name: 'two', resource_class: 'gold', lessee: 'me', retired: true, shard: 'b' });
    await aNode(api, {
      name: 'three',
      maintenance: true,
      instance_uuid: '11111111-2222-4333-8444-999999999999',
      instance_name: 'vm',
    });
    await aNode(api, { name: 'child', parent_node: parent });
    await aNode(api, { description: '100% The' });
  });
  after(async () => await api[Symbol.asyncDispose]());

  const names = async (query: string, version = '1.115') => {
    const reply = await api.request('GET', `/v1/nodes?${query}`, { version });
    assert.equal(reply.status, 200, reply.text);
    return (reply.json.nodes as { name: string | null }[]).map(({ name }) => name ?? '-');
  };

  const filters: readonly [string, string[]][] = [
    ['', ['one', 'two', 'three', '-']],
    ['associated=true', ['three']],
    ['associated=false', ['one', 'two', '-']],
    ['maintenance=1', ['three']],
    ['retired=true', ['two']],
    ['resource_class=gold', ['one', 'two']],
    ['driver=fake-hardware&owner=me', ['one']],
    ['driver=nope', []],
    ['lessee=me', ['two']],
    ['project=me', ['one', 'two']],
    ['provision_state=enroll&resource_class=gold', ['one', 'two']],
    ['provision_state=active', []],
    ['instance_uuid=11111111-2222-4333-8444-999999999999', ['three']],
    ['instance_name=vm', ['three']],
    ['conductor=conductor-under-test&limit=2', ['one', 'two']],
    ['conductor=nobody', []],
    ['conductor_group=', ['one', 'two', 'three', '-']],
    ['conductor_group=x', []],
    ['description_contains=THE', ['one', '-']],
    ['description_contains=0%25', ['-']],
    ['shard=a,b', ['one', 'two']],
    ['sharded=false', ['three', '-']],
    ['include_children=true', ['one', 'two', 'three', 'child', '-']],
    ['parent_node=one', ['child']],
    ['fault=power%20failure', []],
  ];
  for (const [query, expected] of filters)
    it(`?${query} lists ${expected.join(', ') || 'none'}`, async () => {
      assert.deepEqual(await names(query), expected);
    });

  it('lists by chassis, by query and by path', async () => {
    assert.deepEqual(await names(`chassis_uuid=${chassis}`), ['one']);
    const below = await api.request('GET', `/v1/chassis/${chassis}/nodes/detail`);
    assert.deepEqual(
      below.json.nodes.map(({ name }: { name: string }) => name),
      ['one'],
    );
  });

  const refused: readonly [string, string, number][] = [
    ['limit=0', '1.115', 400],
    ['limit=x', '1.115', 400],
    ['limit=1&limit=2', '1.115', 400],
    ['marker=x', '1.115', 400],
    ['marker=11111111-2222-4333-8444-000000000000', '1.115', 404],
    ['sort_key=nope', '1.115', 400],
    ['sort_key=extra', '1.115', 400],
    ['sort_key=owner', '1.49', 406],
    ['sort_dir=x', '1.115', 400],
    ['provision_state=x', '1.115', 400],
    ['fault=x', '1.115', 400],
    ['maintenance=maybe', '1.115', 400],
    ['foo=1', '1.115', 400],
    ['fields=foo', '1.115', 400],
    ['fields=links', '1.115', 400],
    ['fields=uuid', '1.7', 406],
    ['fields=owner', '1.49', 406],
    ['detail=true&fields=uuid', '1.115', 400],
    ['detail=true', '1.42', 400],
    ['owner=x', '1.49', 406],
    ['shard=x', '1.81', 406],
    ['conductor=x', '1.48', 406],
    ['include_children=true', '1.82', 406],
    ['chassis_uuid=11111111-2222-4333-8444-000000000000', '1.115', 404],
  ];
  for (const [query, version, status] of refused)
    it(`?${query} at ${version} is a ${status}`, async () => {
      assert.equal((await api.request('GET', `/v1/nodes?${query}`, { version })).status, status);
    });

  it('the pages of every order make the whole list, each node once', async () => {
    const whole = async (sort: string) => await names(`${sort}&include_children=true`);
    for (const key of ['id', ...nodeSortKeys])
      for (const direction of ['asc', 'desc']) {
        const sort = `sort_key=${key}&sort_dir=${direction}`;
        const found: string[] = [];
        let next: string | undefined = `${api.url}/v1/nodes?${sort}&include_children=true&limit=2`;
        while (next !== undefined) {
          const { json }: { json: { nodes: { name: string | null }[]; next?: string } } = await api.request(
            'GET',
            next.slice(api.url.length),
          );
          found.push(...json.nodes.map(({ name }) => name ?? '-'));
          next = json.next;
        }
        assert.deepEqual(found, await whole(sort), sort);
        assert.equal(found.length, 5);
      }
  });

  it('the next page keeps filters and fields', async () => {
    const { json } = await api.request('GET', '/v1/nodes?resource_class=gold&fields=name&limit=1');
    const next = new URL(json.next).searchParams;
    assert.deepEqual(
      [next.get('resource_class'), next.get('fields'), next.get('limit')],
      ['gold', 'name', '1'],
    );
    const detail = await api.request('GET', '/v1/nodes?detail=true&limit=1');
    assert.equal(new URL(detail.json.next).searchParams.get('detail'), 'True');
  });

  it('detail shows what the single read shows', async () => {
    const { json } = await api.request('GET', '/v1/nodes/detail');
    for (const node of json.nodes)
      assert.deepEqual((await api.request('GET', `/v1/nodes/${node.uuid}`)).json, node);
  });

  it('answers any query with less than 500', async () => {
    const name = fc.constantFrom(
      'limit',
      'marker',
      'sort_key',
      'sort_dir',
      'fields',
      'detail',
      'shard',
      'owner',
    );
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('1', 'true', 'uuid', 'desc'));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value), async (query) => {
        const reply = await api.request('GET', `/v1/nodes?${new URLSearchParams(query).toString()}`);
        assert.ok(reply.status < 500, reply.text);
      }),
      { numRuns: 100 },
    );
  });
});
