import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type ApiUnderTest, innerError, startApi } from './testing/api-under-test.ts';

const versionHeader = 'x-openstack-ironic-api-version';

describe('the protocol around every request', () => {
  let api: ApiUnderTest;
  before(async () => {
    api = await startApi({ settings: { api: { max_json_body_size: 4 } } });
  });
  after(async () => await api[Symbol.asyncDispose]());

  const negotiated: readonly [Record<string, string>, string | null][] = [
    [{}, '1.1'],
    [{ [versionHeader]: '1.50' }, '1.50'],
    [{ [versionHeader]: '1.05' }, '1.5'],
    [{ [versionHeader]: 'LATEST' }, '1.115'],
    [{ 'openstack-api-version': 'baremetal 1.50' }, '1.50'],
    [{ 'openstack-api-version': 'baremetal latest' }, '1.115'],
    [{ 'openstack-api-version': 'compute 2.1, baremetal 1.51', [versionHeader]: '1.20' }, '1.51'],
    [{ 'openstack-api-version': 'compute 2.1', [versionHeader]: '1.20' }, '1.20'],
    [{ [versionHeader]: '1' }, null],
    [{ [versionHeader]: '1.1.1' }, null],
    [{ [versionHeader]: '1.116' }, null],
    [{ [versionHeader]: '2.0' }, null],
    [{ [versionHeader]: 'not a version' }, null],
  ];
  for (const [headers, expected] of negotiated)
    it(`${JSON.stringify(headers)} means ${expected ?? 'nothing that is spoken here'}`, async () => {
      const reply = await api.request('GET', '/v1/nodes', { version: null, headers });
      assert.equal(reply.status, expected === null ? 406 : 200);
      assert.equal(reply.headers.get(versionHeader), expected);
    });

  it('a version out of range is answered with the range, an unreadable one without', async () => {
    const tooNew = await api.request('GET', '/v1/nodes', { version: '1.116' });
    assert.equal(tooNew.headers.get('x-openstack-ironic-api-maximum-version'), '1.115');
    assert.equal(innerError(tooNew)['title'], 'Not Acceptable');
    const unreadable = await api.request('GET', '/v1/nodes', { version: 'x' });
    assert.equal(unreadable.headers.get('x-openstack-ironic-api-maximum-version'), null);
  });

  it('answers name the request', async () => {
    const reply = await api.request('GET', '/v1/nodes');
    assert.match(reply.headers.get('openstack-request-id') ?? '', /^req-[0-9a-f-]{36}$/);
    assert.equal(reply.headers.get('x-openstack-request-id'), reply.headers.get('openstack-request-id'));
  });

  it('a fault is JSON within JSON, with the version headers', async () => {
    const reply = await api.request('GET', '/v1/nodes/nobody');
    assert.equal(reply.status, 404);
    assert.deepEqual(innerError(reply), {
      faultcode: 'Client',
      faultstring: 'Node nobody could not be found.',
      debuginfo: null,
    });
    assert.equal(reply.headers.get(versionHeader), '1.115');
  });

  it("an unknown path and a method that a path has not are the router's to answer", async () => {
    const unknown = await api.request('GET', '/v1/nope');
    assert.deepEqual(innerError(unknown), { code: 404, title: 'Not Found', description: '' });
    assert.equal(unknown.headers.get(versionHeader), null);
    const method = await api.request('PUT', '/v1/nodes', { body: {} });
    assert.equal(method.status, 405);
    assert.equal(method.headers.get('allow'), 'DELETE, GET, PATCH, POST');
    assert.equal((await api.request('HEAD', '/v1/nodes')).status, 405);
  });

  it('OPTIONS is answered for any path, saying nothing', async () => {
    const reply = await api.request('OPTIONS', '/v1/nodes');
    assert.deepEqual([reply.status, reply.text, reply.headers.get(versionHeader)], [200, '', null]);
  });

  it('a body too large or nested too deep is refused flat, before anything reads it', async () => {
    const large = await api.request('POST', '/v1/nodes', { body: { driver: 'x'.repeat(5000) } });
    assert.equal(large.status, 413);
    assert.equal(large.json.faultcode, 'Client');
    assert.equal(large.headers.get(versionHeader), null);
    const deep = await api.request('POST', '/v1/nodes', {
      raw: `{"extra":${'['.repeat(40)}${']'.repeat(40)}}`,
    });
    assert.equal(deep.status, 400);
    assert.equal(deep.json.faultcode, 'Client');
    const onlyLooksDeep = await api.request('POST', '/v1/nodes', {
      body: { driver: 'fake-hardware', extra: { text: `"${'{['.repeat(100)}` } },
    });
    assert.equal(onlyLooksDeep.status, 201);
  });

  it("what is not JSON is the caller's fault", async () => {
    for (const raw of ['hello', ' ', '{"driver":', '{"driver":"x"} x', '{"extra":NaN}']) {
      const reply = await api.request('POST', '/v1/nodes', { raw });
      assert.equal(reply.status, 400, raw);
    }
  });

  it('a body is JSON whatever it is said to be, unless it is said to be a form', async () => {
    const status = async (type: string) =>
      (
        await api.request('POST', '/v1/nodes', {
          body: { driver: 'fake-hardware' },
          headers: { 'content-type': type },
        })
      ).status;
    for (const type of [
      'application/json; charset=utf-8',
      'text/plain',
      'garbage',
      '',
      'application/json-patch+json',
    ])
      assert.equal(await status(type), 201, type);
    assert.equal(await status('application/x-www-form-urlencoded'), 400);
  });

  it('only clients that take JSON are answered', async () => {
    const status = async (accept: string) =>
      (await api.request('GET', '/v1/nodes', { headers: { accept } })).status;
    assert.equal(await status('text/plain;q=0.5,application/json'), 200);
    assert.equal(await status('application/*'), 200);
    assert.equal(await status('text/html'), 406);
    assert.equal(await status('application/json;q=0'), 406);
  });

  it('paths work with and without /v1, and with a slash at the end', async () => {
    for (const path of ['/v1/nodes', '/nodes', '/v1/nodes/', '/nodes/'])
      assert.equal((await api.request('GET', path)).status, 200, path);
  });

  it('.json at the end of a path is left off below 1.91 and part of a name from then on', async () => {
    await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware', name: 'dotted.json' } });
    await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware', name: 'plain' } });
    const status = async (name: string, version: string) =>
      (await api.request('GET', `/v1/nodes/${name}`, { version })).status;
    assert.equal(await status('plain.json', '1.90'), 200);
    assert.equal(await status('plain.json', '1.91'), 404);
    assert.equal(await status('dotted.json', '1.90'), 200);
    assert.equal(await status('dotted.json', '1.91'), 200);
    assert.equal((await api.request('GET', '/v1/nodes.json', { version: '1.90' })).status, 200);
  });

  it('the discovery documents list one version, under the URL the client used', async () => {
    const root = await api.request('GET', '/', { version: null });
    assert.equal(root.json.versions.length, 1);
    assert.equal(root.json.default_version.version, '1.115');
    assert.equal(root.json.versions[0].links[0].href, `${api.url}/v1/`);
    const v1 = await api.request('GET', '/v1', { version: '1.22' });
    assert.equal(v1.json.version.min_version, '1.1');
    assert.ok('lookup' in v1.json && !('portgroups' in v1.json));
  });

  it('a Host header that names no host gets into no link', async () => {
    for (const host of ['a"}],"x":[{"y":"z', 'a b', 'a/b', 'user@a', '[::1', 'a\\']) {
      const { status, body } = await requestAsHost(host);
      assert.equal(status, 400, host);
      assert.equal(typeof JSON.parse(body).error_message, 'string');
    }
    for (const host of ['metal.example', 'metal_1:6385', '192.0.2.1:80', '[2001:db8::1]:6385', '[::1]'])
      assert.equal((await requestAsHost(host)).status, 200, host);
  });

  async function requestAsHost(
    host: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number | undefined; body: string }> {
    const sent = get(`${api.url}/v1`, { headers: { ...headers, host } });
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: answer.statusCode, body: await text(answer) };
  }

  it('pages of other sites cannot use what is open to this machine', async () => {
    const create = async (headers: Record<string, string>, method = 'POST') =>
      (
        await api.request(method, '/v1/nodes', {
          headers: { 'content-type': 'text/plain', ...headers },
          ...(method === 'POST' ? { body: { driver: 'fake-hardware' } } : {}),
        })
      ).status;
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', 'x'])
      for (const method of ['POST', 'GET']) assert.equal(await create({ origin }, method), 403, origin);
    assert.equal(await create({ origin: api.url }), 201);
    assert.equal(await create({}), 201);
    assert.equal(await create({ origin: 'https://evil.example' }, 'OPTIONS'), 200);
  });

  it('a page does not become our own by a name that was made to lead here', async () => {
    const asSite = async (host: string) => await requestAsHost(host, { origin: `http://${host}` });
    assert.equal((await asSite('evil.example:6385')).status, 403);
    for (const host of ['localhost:6385', '127.0.0.1:6385', '[::1]:6385'])
      assert.equal((await asSite(host)).status, 200, host);
  });

  it('a request that drips is given up in the end', () => {
    // The server keeps the limits itself, and takes 0 for none.
    const { requestTimeout, headersTimeout } = api.server;
    assert.ok(requestTimeout > 0 && requestTimeout <= 300_000);
    assert.ok(headersTimeout > 0 && headersTimeout <= 60_000);
  });

  it('links name the public endpoint where one is set', async () => {
    await using behindProxy = await startApi({
      settings: { api: { public_endpoint: 'https://metal.example/' } },
    });
    const { json } = await behindProxy.request('GET', '/v1');
    assert.equal(json.nodes[0].href, 'https://metal.example/v1/nodes/');
  });
});
