import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { updateNode } from '#db/nodes.ts';
import type { ProvisionState } from '#model/provision-states.ts';
import { type ApiUnderTest, type Reply, startApi } from '../testing/api-under-test.ts';

describe('/v1/ports', () => {
  let api: ApiUnderTest;
  let node: string;
  let count = 0;

  const mac = (): string => `52:54:00:00:${hex(Math.floor(++count / 256))}:${hex(count % 256)}`;
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  const create = async (body: Record<string, unknown>, version = '1.115'): Promise<Reply> =>
    await api.request('POST', '/v1/ports', {
      version,
      body: { node_uuid: node, address: mac(), ...body },
    });
  const patch = async (uuid: string, body: unknown, version = '1.115'): Promise<Reply> =>
    await api.request('PATCH', `/v1/ports/${uuid}`, { version, body });
  const setState = async (provision_state: ProvisionState): Promise<void> => {
    await api.store.write(async (transaction) => await updateNode(transaction, node, { provision_state }));
  };

  before(async () => {
    api = await startApi();
    const created = await api.request('POST', '/v1/nodes', {
      body: { driver: 'fake-hardware', name: 'owner', conductor_group: '' },
    });
    assert.equal(created.status, 201, created.text);
    node = created.json.uuid;
  });
  after(async () => await api[Symbol.asyncDispose]());

  it('are created with the defaults of their fields, and shown where the Location says', async () => {
    const created = await create({ address: 'AA:BB:CC:DD:EE:01', extra: null, pxe_enabled: 'false' });
    assert.equal(created.status, 201, created.text);
    const shown = await api.request('GET', new URL(created.headers.get('location') ?? '').pathname);
    assert.deepEqual(shown.json, created.json);
    const { uuid, created_at, links, ...rest } = created.json;
    assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
    assert.deepEqual(
      links.map((each: { href: string }) => each.href),
      [`${api.url}/v1/ports/${uuid}`, `${api.url}/ports/${uuid}`],
    );
    assert.deepEqual(rest, {
      updated_at: null,
      address: 'aa:bb:cc:dd:ee:01',
      extra: {},
      internal_info: {},
      is_smartnic: false,
      local_link_connection: {},
      physical_network: null,
      pxe_enabled: false,
      node_uuid: node,
      name: null,
      description: null,
      vendor: null,
      category: null,
      available_for_dynamic_portgroup: true,
      portgroup_uuid: null,
    });
  });

  it('show each version its own fields', async () => {
    const { uuid } = (await create({})).json;
    const keysAt = async (version: string): Promise<string[]> =>
      Object.keys((await api.request('GET', `/v1/ports/${uuid}`, { version })).json);
    assert.deepEqual(await keysAt('1.1'), [
      'uuid',
      'created_at',
      'updated_at',
      'address',
      'extra',
      'node_uuid',
      'links',
    ]);
    assert.ok(!(await keysAt('1.52')).includes('is_smartnic'));
    assert.ok((await keysAt('1.53')).includes('is_smartnic'));
  });

  const bad: [string, Record<string, unknown>, number][] = [
    ['an address that is none', { address: 'x' }, 400],
    ['an address that is no text', { address: 5 }, 400],
    ['an unknown field', { foo: 1 }, 400],
    ['a field that is not the caller’s', { internal_info: {} }, 400],
    ['a node by name', { node_uuid: 'owner' }, 400],
    ['a node that does not exist', { node_uuid: '7e0a3a46-97d0-4b5b-8f4c-999999999999' }, 400],
    ['two ways to say the node', { node_ident: 'owner' }, 400],
    ['a portgroup that does not exist', { portgroup_uuid: '7e0a3a46-97d0-4b5b-8f4c-999999999999' }, 400],
    ['an empty physical network', { physical_network: '' }, 400],
    ['a physical network that is too long', { physical_network: 'p'.repeat(65) }, 400],
    ['what is neither true nor false', { pxe_enabled: 'x' }, 400],
    ['a name that is a UUID', { name: '7e0a3a46-97d0-4b5b-8f4c-999999999999' }, 400],
    ['a UUID that is none', { uuid: 'x' }, 400],
  ];
  for (const [what, body, status] of bad)
    it(`are not created with ${what}`, async () => {
      const answer = await create(body);
      assert.equal(answer.status, status, answer.text);
    });

  it('need an address and a node, by UUID or from 1.94 by name', async () => {
    const post = async (body: unknown, version = '1.115'): Promise<number> =>
      (await api.request('POST', '/v1/ports', { body, version })).status;
    assert.equal(await post({ node_uuid: node }), 400);
    assert.equal(await post({ address: mac() }), 400);
    assert.equal(await post({ address: mac(), node_ident: 'owner' }), 201);
    assert.equal(await post({ address: mac(), node_ident: 'owner' }, '1.93'), 406);
    assert.equal(await post([]), 400);
    assert.equal(await post(null), 400);
  });

  it('are unique by address, UUID and name', async () => {
    const first = (await create({ name: 'only-one' })).json;
    assert.equal((await create({ address: first.address.toUpperCase() })).status, 409);
    assert.equal((await create({ uuid: first.uuid })).status, 409);
    assert.equal((await create({ name: 'only-one' })).status, 409);
    assert.equal((await api.request('GET', '/v1/ports/only-one')).json.uuid, first.uuid);
    assert.equal((await api.request('GET', '/v1/ports/only-one', { version: '1.87' })).status, 400);
  });

  it('refuse fields newer than the version in POST, PATCH and the query', async () => {
    const { uuid } = (await create({})).json;
    for (const [field, since, value] of [
      ['pxe_enabled', 19, true],
      ['physical_network', 34, 'x'],
      ['is_smartnic', 53, false],
    ] as const) {
      const version = `1.${since - 1}`;
      assert.equal((await create({ [field]: value }, version)).status, 406);
      assert.equal((await patch(uuid, [{ op: 'add', path: `/${field}`, value }], version)).status, 406);
      assert.equal((await api.request('GET', `/v1/ports?fields=${field}`, { version })).status, 406);
      assert.equal((await create({ [field]: value }, `1.${since}`)).status, 201);
    }
  });

  it('are changed by a patch, all of it or nothing', async () => {
    const { uuid } = (await create({ extra: { a: 1 } })).json;
    const changed = await patch(uuid, [
      { op: 'add', path: '/extra/b', value: { c: 2 } },
      { op: 'replace', path: '/address', value: '52:54:00:FF:00:01' },
      { op: 'add', path: '/local_link_connection', value: { hostname: 'h', port_id: 'p' } },
    ]);
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual(changed.json.extra, { a: 1, b: { c: 2 } });
    assert.equal(changed.json.address, '52:54:00:ff:00:01');
    assert.notEqual(changed.json.updated_at, null);
    const failed = await patch(uuid, [
      { op: 'remove', path: '/extra' },
      { op: 'add', path: '/local_link_connection/foo', value: 'x' },
    ]);
    assert.equal(failed.status, 400);
    assert.deepEqual((await api.request('GET', `/v1/ports/${uuid}`)).json, changed.json);
    const removed = await patch(uuid, [
      { op: 'remove', path: '/extra' },
      { op: 'remove', path: '/pxe_enabled' },
    ]);
    assert.deepEqual([removed.json.extra, removed.json.pxe_enabled], [{}, true]);
  });

  it('refuse a patch of what is fixed, required or unknown', async () => {
    const { uuid } = (await create({})).json;
    for (const path of ['/uuid', '/internal_info/a', '/links', '/foo'])
      assert.equal((await patch(uuid, [{ op: 'add', path, value: 'x' }])).status, 400, path);
    for (const path of ['/address', '/node_uuid'])
      assert.equal((await patch(uuid, [{ op: 'remove', path }])).status, 400, path);
    assert.equal((await patch(uuid, [])).status, 200);
    assert.equal((await patch('7e0a3a46-97d0-4b5b-8f4c-999999999999', [])).status, 404);
  });

  it('are not changed while their node is inspected, nor plugged elsewhere under an instance', async () => {
    const { uuid } = (await create({})).json;
    await setState('inspecting');
    assert.equal((await patch(uuid, [{ op: 'add', path: '/extra/a', value: 1 }])).status, 409);
    assert.equal((await patch(uuid, [{ op: 'add', path: '/extra/a', value: 1 }], '1.38')).status, 200);
    await setState('active');
    assert.equal((await patch(uuid, [{ op: 'add', path: '/physical_network', value: 'x' }])).status, 409);
    await setState('enroll');
  });

  it('are deleted by UUID', async () => {
    const { uuid } = (await create({ name: 'to-go' })).json;
    assert.equal((await api.request('DELETE', '/v1/ports/to-go')).status, 400);
    assert.equal((await api.request('DELETE', `/v1/ports/${uuid}`)).status, 204);
    assert.equal((await api.request('DELETE', `/v1/ports/${uuid}`)).status, 404);
  });
});

describe('a list of ports', () => {
  let api: ApiUnderTest;
  const nodes: string[] = [];

  const list = async (query: string, version = '1.115'): Promise<Reply> =>
    await api.request('GET', `/v1/ports${query}`, { version });
  const addresses = (reply: Reply): string[] =>
    reply.json.ports.map((port: { address: string }) => port.address);

  before(async () => {
    api = await startApi();
    for (const [name, shard] of [
      ['a', 'one'],
      ['b', 'two'],
    ]) {
      const { json } = await api.request('POST', '/v1/nodes', {
        body: { driver: 'fake-hardware', name, shard },
      });
      nodes.push(json.uuid);
      for (let each = 1; each <= 3; each += 1)
        await api.request('POST', '/v1/ports', {
          body: {
            node_uuid: json.uuid,
            address: `52:54:00:00:0${nodes.length}:0${each}`,
            physical_network: each === 2 ? 'net' : null,
            description: each === 1 ? '100% of_it' : null,
          },
        });
    }
  });
  after(async () => await api[Symbol.asyncDispose]());

  it('comes page by page, each port once, in every order', async () => {
    for (const order of [
      '',
      '&sort_key=physical_network',
      '&sort_key=address&sort_dir=desc',
      '&sort_dir=desc',
    ]) {
      const whole = addresses(await list(`?fields=address&${order}`));
      assert.equal(whole.length, 6);
      const seen: string[] = [];
      let path = `/v1/ports?fields=address&limit=2${order}`;
      for (let page = 0; path !== '' && page < 10; page += 1) {
        const reply = await api.request('GET', path);
        seen.push(...addresses(reply));
        path = reply.json.next ? reply.json.next.slice(api.url.length) : '';
      }
      assert.deepEqual(seen, whole, order);
    }
  });

  it('says of the next page what it says of this one', async () => {
    const plain = await list('?limit=1');
    assert.equal(
      plain.json.next,
      `${api.url}/v1/ports?sort_key=id&sort_dir=asc&fields=uuid,address&limit=1&marker=${plain.json.ports[0].uuid}`,
    );
    const narrowed = await list('?limit=1&node=b&detail=true');
    assert.equal(
      narrowed.json.next,
      `${api.url}/v1/ports?sort_key=id&sort_dir=asc&node=b&detail=True&limit=1&marker=${narrowed.json.ports[0].uuid}`,
    );
  });

  it('is narrowed down by node, address, shard, group and description', async () => {
    const of = async (query: string): Promise<number> => addresses(await list(query)).length;
    assert.equal(await of('?node=a'), 3);
    assert.equal(await of(`?node_uuid=${nodes[1]}`), 3);
    assert.equal(await of('?address=52:54:00:00:01:02'), 1);
    assert.equal(await of('?address=52:54:00:00:09:02'), 0);
    assert.equal(await of('?shard=one,two'), 6);
    assert.equal(await of('?shard=two'), 3);
    assert.equal(await of('?conductor_groups=nobody'), 0);
    assert.equal(await of('?description_contains=0%25 of_'), 2);
    assert.equal(await of('?description_contains=0_of'), 0);
    const below = await api.request('GET', '/v1/nodes/a/ports');
    assert.deepEqual(addresses(below), addresses(await list('?node=a')));
  });

  for (const [query, version, status] of [
    ['?limit=x', '1.115', 400],
    ['?limit=0', '1.115', 400],
    ['?marker=bad', '1.115', 400],
    ['?marker=7e0a3a46-97d0-4b5b-8f4c-999999999999', '1.115', 404],
    ['?sort_key=extra', '1.115', 400],
    ['?sort_key=portgroup_uuid', '1.115', 400],
    ['?sort_key=constructor', '1.115', 400],
    ['?sort_key=name', '1.87', 406],
    ['?sort_dir=x', '1.115', 400],
    ['?address=x', '1.115', 400],
    ['?node=nope', '1.115', 404],
    ['?node=a', '1.4', 406],
    ['?node_uuid=a', '1.115', 400],
    ['?portgroup=x', '1.23', 406],
    ['?portgroup=x', '1.24', 404],
    ['?node=a&portgroup=x', '1.115', 403],
    ['?node=a&conductor_groups=x', '1.115', 400],
    ['?shard=a', '1.81', 406],
    ['?fields=uuid', '1.7', 406],
    ['?fields=foo', '1.115', 400],
    ['?fields=uuid&detail=true', '1.115', 400],
    ['?detail=x', '1.115', 400],
    ['?foo=1', '1.115', 400],
    ['/detail?fields=uuid', '1.115', 400],
  ] as const)
    it(`is refused with ${status} for ${query} at ${version}`, async () => {
      const reply = await list(query, version);
      assert.equal(reply.status, status, reply.text);
    });
});
