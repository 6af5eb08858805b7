import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { putInventory } from '#db/inventory.ts';
import { type ApiUnderTest, startApi } from '../testing/api-under-test.ts';

const bytes = 3 * 2 ** 30;

describe('POST /ingot/v1/nodes/{node}/preflight', () => {
  let api: ApiUnderTest;
  let images: Server;
  let url: string;
  let node: string;
  before(async () => {
    images = createServer((request, response) => {
      const { url: path } = request;
      if (path === '/image.raw') {
        const isRange = request.headers.range === 'bytes=0-0';
        response.writeHead(isRange ? 206 : 500, { 'content-range': `bytes 0-0/${bytes}` }).end('x');
      } else if (path === '/SHA256SUMS') response.end(`${'a'.repeat(64)}  image.raw\n`);
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await once(images, 'listening');
    url = `http://127.0.0.1:${(images.address() as AddressInfo).port}`; // It listens on a port.
    api = await startApi();
    const body = {
      name: 'one',
      driver: 'fake-hardware',
      deploy_interface: 'direct',
      properties: { local_gb: 10 },
    };
    node = (await api.request('POST', '/v1/nodes', { body })).json.uuid;
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    images.close();
    images.closeAllConnections();
  });

  const image = () => ({
    image_source: `${url}/image.raw`,
    image_disk_format: 'raw',
    image_checksum: `${url}/SHA256SUMS`,
  });
  const look = async (body: object) =>
    await api.request('POST', `/ingot/v1/nodes/${node}/preflight`, { body });
  const resultsOf = (checks: { name: string; result: string }[]): Record<string, string> =>
    Object.fromEntries(checks.map(({ name, result }) => [name, result]));

  it('finds all well, and says in which order steps would run', async () => {
    const { status, json } = await look({ instance_info: image() });
    assert.equal(status, 200);
    const results = resultsOf(json.checks);
    assert.equal(results['image'], 'ok', JSON.stringify(json.checks));
    assert.deepEqual(
      [results['image size'], results['image checksum'], results['steps']],
      ['ok', 'ok', 'ok'],
    );
    assert.equal(results['boot path'], 'not applicable');
    assert.ok(json.checks.every(({ seconds }: { seconds: number }) => seconds >= 0));
    const steps: { step: string }[] = json.plans.deploy;
    assert.deepEqual(steps[0]?.step, 'prepare');
    assert.ok(steps.some(({ step }) => step === 'write_image'));
  });

  it('says what would go wrong, and changes nothing by it', async () => {
    const before_ = (await api.request('GET', `/v1/nodes/${node}`)).json;
    const gone = resultsOf(
      (await look({ instance_info: { ...image(), image_source: `${url}/gone.raw` } })).json.checks,
    );
    assert.equal(gone['image'], 'failed');
    const unlisted = { ...image(), image_checksum: `${url}/image.raw.sha256` };
    assert.equal(
      resultsOf((await look({ instance_info: unlisted })).json.checks)['image checksum'],
      'failed',
    );
    const traits = { ...image(), traits: ['CUSTOM_GOLD'] };
    const answer = (await look({ instance_info: traits })).json;
    assert.equal(resultsOf(answer.checks)['traits'], 'failed');
    assert.equal(answer.passes, false);
    await api.request('PATCH', `/v1/nodes/${node}`, {
      body: [{ op: 'replace', path: '/properties/local_gb', value: 2 }],
    });
    assert.equal(resultsOf((await look({ instance_info: image() })).json.checks)['image size'], 'failed');
    await api.request('PATCH', `/v1/nodes/${node}`, {
      body: [{ op: 'replace', path: '/properties/local_gb', value: 10 }],
    });
    const { updated_at: _, ...now } = (await api.request('GET', `/v1/nodes/${node}`)).json;
    const { updated_at: _then, ...then } = before_;
    assert.deepEqual(now, then);
  });

  it('goes by the disks that the last inspection found, and by the hints for one of them', async () => {
    const disk = { rotational: false, serial: 'A', model: 'Fast', size: 2 * bytes };
    const small = { ...disk, serial: 'B', size: bytes / 2 };
    const disks = [
      { ...disk, name: '/dev/sda' },
      { ...small, name: '/dev/sdb' },
      { name: 'neither a disk nor a size' },
    ];
    const { json: inspected } = await api.request('POST', '/v1/nodes', {
      body: { driver: 'fake-hardware', deploy_interface: 'direct' },
    });
    const found = async (root_device: object): Promise<Record<string, string>> => {
      const body = { instance_info: { ...image(), root_device } };
      const { json } = await api.request('POST', `/ingot/v1/nodes/${inspected.uuid}/preflight`, { body });
      const { 'root device': root, 'image size': size } = resultsOf(json.checks);
      return { root: String(root), size: String(size) };
    };
    assert.deepEqual(await found({ serial: 'A' }), { root: 'unknown', size: 'unknown' });
    await api.store.write(
      async (transaction) =>
        await putInventory(
          transaction,
          inspected.uuid,
          { inventory: { disks }, plugin_data: {} },
          new Date().toISOString(),
        ),
    );
    assert.deepEqual(await found({ serial: 'A' }), { root: 'ok', size: 'ok' });
    assert.deepEqual(await found({ serial: 'B' }), { root: 'ok', size: 'failed' });
    assert.deepEqual(await found({ serial: 'C' }), { root: 'failed', size: 'unknown' });
    assert.deepEqual(await found({ size: 'large' }), { root: 'failed', size: 'unknown' });
  });

  it('asks no link-local address, whatever form it is written in', async () => {
    for (const host of ['169.254.169.254', '[::ffff:169.254.169.254]', '2852039166']) {
      const source = `http://${host}/latest/meta-data`;
      const { json } = await look({ instance_info: { ...image(), image_source: source } });
      const { reason } = json.checks.find(({ name }: { name: string }) => name === 'image');
      assert.match(reason, /link-local/, host);
      const listed = { ...image(), image_checksum: source };
      const { json: list } = await look({ instance_info: listed });
      const { reason: why } = list.checks.find(({ name }: { name: string }) => name === 'image checksum');
      assert.match(why, /link-local/, host);
    }
  });

  it('refuses steps that nobody could have', async () => {
    assert.equal((await look({ deploy_steps: [{ step: 'x' }] })).status, 400);
    assert.equal((await look({ color: 'red' })).status, 400);
    const missing = await api.request('POST', '/ingot/v1/nodes/nobody/preflight', { body: {} });
    assert.equal(missing.status, 404);
    const byName = await api.request('POST', '/ingot/v1/nodes/one/preflight', { version: null, body: {} });
    assert.equal(byName.status, 200);
  });
});
