import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { updateNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import { type ApiUnderTest, startApi } from '../testing/api-under-test.ts';

const secret = 'the-secret-of-this-boot';

describe('the boot media of a node', () => {
  let folder: string;
  let api: ApiUnderTest;
  let node: string;

  const fetchMedia = async (path: string, init: RequestInit = {}): Promise<Response> =>
    await fetch(`${api.url}/ingot/boot/${path}`, init);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ingot-media-'));
    const [kernel, ramdisk] = [join(folder, 'vmlinuz'), join(folder, 'initrd')];
    await writeFile(kernel, 'k'.repeat(5000));
    await writeFile(ramdisk, 'r'.repeat(70_000));
    api = await startApi({
      settings: { conductor: { deploy_kernel: kernel, deploy_ramdisk: ramdisk } },
    });
    const { json } = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
    node = json.uuid;
    const boot_media = {
      secret,
      kernel_parameters: { 'ipa-api-url': 'http://192.0.2.1:6385' },
      append: 'nofb',
      prepared_at: wireTime(0),
    };
    await api.store.write(
      async (transaction) => await updateNode(transaction, node, { driver_internal_info: { boot_media } }),
    );
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('are served whole, by range and by HEAD, to whoever knows the secret', async () => {
    const path = `${node}/${secret}/boot.iso`;
    const whole = await fetchMedia(path, { headers: { accept: 'application/x-iso9660-image' } });
    assert.equal(whole.status, 200);
    const bytes = Buffer.from(await whole.arrayBuffer());
    assert.equal(bytes.subarray(0x8001, 0x8006).toString(), 'CD001');
    assert.ok(bytes.includes('ipa-api-url=http://192.0.2.1:6385'));
    const part = await fetchMedia(path, { headers: { range: 'bytes=32768-34815' } });
    assert.equal(part.status, 206);
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(32_768, 34_816));
    const head = await fetchMedia(path, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), String(bytes.length));
  });

  it('do not exist for anybody else', async () => {
    for (const path of [
      `${node}/another-secret/boot.iso`,
      `${node}/${secret}x/boot.iso`,
      `7e0a3a46-97d0-4b5b-8f4c-999999999999/${secret}/boot.iso`,
      `not-a-node/${secret}/boot.iso`,
      `${node}/undefined/boot.iso`,
    ]) {
      const reply = await fetchMedia(path);
      assert.deepEqual([reply.status, await reply.text()], [404, ''], path);
    }
    const { json } = await api.request('POST', '/v1/nodes', { body: { driver: 'fake-hardware' } });
    assert.equal((await fetchMedia(`${json.uuid}/${secret}/boot.iso`)).status, 404);
  });

  it('are written to by nobody', async () => {
    const reply = await fetchMedia(`${node}/${secret}/boot.iso`, { method: 'POST', body: '{}' });
    assert.ok(reply.status === 404 || reply.status === 405);
  });
});
