import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aNode, someSettings } from '#drivers/testing/a-task.ts';
import { systemClock } from '#model/clock.ts';
import { BootFiles } from './boot-files.ts';
import { appendedParameters, baseFilesOf, bootMediaUrl, composeBootMedia } from './boot-media.ts';
import { collectIso } from './iso/image.ts';
import { readBody, readFrom, readVolume } from './iso/testing/read-iso.ts';

const never = new AbortController().signal;

async function aFolder() {
  const path = await mkdtemp(join(tmpdir(), 'ingot-boot-'));
  await writeFile(join(path, 'kernel'), 'the kernel');
  await writeFile(join(path, 'ramdisk'), 'the ramdisk');
  const files = new BootFiles({
    folder: join(path, 'cache'),
    timeoutSeconds: 5,
    verifyCa: true,
    maxFileBytes: 1000,
    clock: systemClock,
  });
  return { path, files, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const media = (kernel_parameters: Record<string, string>) => ({
  boot_media: { secret: 's', kernel_parameters, append: 'nofb', prepared_at: '2026-01-01T00:00:00Z' },
});

describe('boot media', () => {
  it('are made of the record and the base files, the same each time', async () => {
    await using folder = await aFolder();
    const settings = someSettings({
      conductor: {
        deploy_kernel: join(folder.path, 'kernel'),
        deploy_ramdisk: `file://${folder.path}/ramdisk`,
      },
    });
    const node = aNode({
      driver_internal_info: media({ 'ipa-api-url': 'http://[2001:db8::1]:6385', 'ipa-debug': '1' }),
      network_data: { links: [] },
    });
    const image = await composeBootMedia(settings, node, folder.files, never);
    const again = await composeBootMedia(settings, node, folder.files, never);
    assert.ok(image && again);
    assert.equal(image.etag, again.etag);
    const read = readFrom(await collectIso(image));
    const { files } = await readVolume(read, 'rock-ridge');
    const contentOf = async (path: string) => String(await readBody(read, files.get(`/${path}`)));
    assert.equal(await contentOf('vmlinuz'), 'the kernel');
    assert.equal(await contentOf('initrd'), 'the ramdisk');
    assert.equal(await contentOf('openstack/latest/network_data.json'), '{"links":[]}');
    for (const path of ['boot/grub/grub.cfg', 'EFI/BOOT/grub.cfg']) {
      const line = 'nofb boot_method=vmedia ipa-api-url=http://[2001:db8::1]:6385 ipa-debug=1';
      assert.ok((await contentOf(path)).includes(`\n  linux /vmlinuz ${line}\n  initrd /initrd\n}`), path);
    }
  });

  it('are there only when they were prepared', async () => {
    await using folder = await aFolder();
    assert.equal(await composeBootMedia(someSettings(), aNode(), folder.files, never), null);
  });

  it('have a URL that nobody can guess', () => {
    const settings = someSettings({ api: { port: 6385 }, DEFAULT: { my_ip: '192.0.2.1' } });
    const node = aNode();
    assert.equal(
      bootMediaUrl(settings, node, 'secret'),
      `http://192.0.2.1:6385/ingot/boot/${node.uuid}/secret/boot.iso`,
    );
    const elsewhere = aNode({ driver_info: { external_http_url: 'https://media.example/' } });
    assert.match(bootMediaUrl(settings, elsewhere, 's'), /^https:\/\/media\.example\/ingot\/boot\//);
    // Were the slashes tried from each of them, this would take a quarter of an hour.
    const manySlashes = aNode({ driver_info: { external_http_url: `http://${'/'.repeat(2 ** 20)}x` } });
    assert.match(bootMediaUrl(settings, manySlashes, 's'), /\/x\/ingot\/boot\//);
  });

  it('take the base files of the architecture, where the settings name any', () => {
    const settings = someSettings({
      conductor: {
        deploy_kernel: '/kernel',
        deploy_ramdisk: '/ramdisk',
        deploy_kernel_by_arch: { aarch64: '/kernel-arm' },
      },
    });
    const kernelOf = (cpu_arch: unknown) =>
      baseFilesOf(settings, aNode({ properties: { cpu_arch } })).kernel.reference;
    assert.equal(kernelOf('aarch64'), '/kernel-arm');
    for (const other of ['x86_64', 'constructor', '__proto__', 5, null])
      assert.equal(kernelOf(other), '/kernel');
  });

  it('add what settings and node append', () => {
    const settings = someSettings({ redfish: { kernel_append_params: 'nofb vga=normal' } });
    const own = (kernel_append_params: string) => aNode({ driver_info: { kernel_append_params } });
    assert.equal(appendedParameters(settings, aNode()), 'nofb vga=normal');
    assert.equal(
      appendedParameters(settings, own('%default% console=ttyS0,115200n8')),
      'nofb vga=normal console=ttyS0,115200n8',
    );
    assert.equal(appendedParameters(settings, own('quiet')), 'quiet');
  });

  for (const hostile of [
    'a\nmenuentry',
    'a;reboot',
    'a}',
    'a=$x',
    'a="b"',
    "a='b",
    'a#b',
    'a\\b',
    'a&b',
    'a|b',
    'a\rb',
    'a`b',
  ]) {
    it(`take no kernel parameter like ${JSON.stringify(hostile)}`, async () => {
      await using folder = await aFolder();
      const settings = someSettings({
        conductor: {
          deploy_kernel: join(folder.path, 'kernel'),
          deploy_ramdisk: join(folder.path, 'ramdisk'),
        },
      });
      const appended = aNode({ driver_info: { kernel_append_params: hostile } });
      assert.throws(() => appendedParameters(settings, appended), /kernel parameter/);
      const kept = aNode({ driver_internal_info: media({ x: hostile }) });
      await assert.rejects(composeBootMedia(settings, kept, folder.files, never), /kernel parameter/);
    });
  }
});

describe('base files', () => {
  it('that a node names come from the allowed folders alone', async () => {
    await using folder = await aFolder();
    await using other = await aFolder();
    const by = { who: 'node', allowedPaths: [folder.path] } as const;
    assert.equal(
      await folder.files.locate(join(folder.path, 'kernel'), by, never),
      join(folder.path, 'kernel'),
    );
    await symlink(join(other.path, 'kernel'), join(folder.path, 'link'));
    const refused = [
      join(other.path, 'kernel'),
      `file://${folder.path}/../${other.path.split('/').at(-1)}/kernel`,
      `file://${folder.path}/%2e%2e/${other.path.split('/').at(-1)}/kernel`,
      join(folder.path, 'link'),
      `${folder.path}-beside/kernel`,
      'file:///proc/self/environ',
      '/dev/zero',
    ];
    for (const reference of refused) {
      await assert.rejects(
        folder.files.locate(reference, by, never),
        { name: 'BootFileUnavailable' },
        reference,
      );
    }
  });

  it('tell a node that names another file of this machine nothing of it', async () => {
    await using folder = await aFolder();
    const by = { who: 'node', allowedPaths: [join(folder.path, 'allowed')] } as const;
    await mkdir(join(folder.path, 'allowed'));
    const told = async (path: string): Promise<string> =>
      await folder.files.probe(path, by, never).then(
        () => 'there',
        (error: Error) => error.message.replaceAll(path, ''),
      );
    const outside = await told(join(folder.path, 'kernel'));
    assert.match(outside, /none of the folders/);
    for (const path of [
      join(folder.path, 'no such file'),
      join(folder.path, 'kernel', 'below'),
      `${folder.path}/allowed/../no such file`,
    ])
      assert.equal(await told(path), outside);
    assert.match(await told(join(folder.path, 'allowed', 'no such file')), /cannot be read/);
  });

  it('are regular files', async () => {
    await using folder = await aFolder();
    await assert.rejects(folder.files.locate('/dev/zero', { who: 'operator' }, never), /not a regular file/);
  });

  it('are downloaded once for many, and again when they changed', async () => {
    await using folder = await aFolder();
    let now = 0;
    const files = new BootFiles({
      folder: join(folder.path, 'cache'),
      timeoutSeconds: 5,
      verifyCa: true,
      clock: { ...systemClock, now: () => now },
    });
    await using server = await aServer();
    const by = { who: 'node', allowedPaths: [] } as const;
    const paths = await Promise.all(Array.from({ length: 20 }, () => files.locate(server.url, by, never)));
    assert.deepEqual([new Set(paths).size, server.answered], [1, ['200']]);
    now += 3_600_000;
    assert.equal(await files.locate(server.url, by, never), paths[0]);
    server.content = 'another ramdisk';
    now += 3_600_000;
    assert.notEqual(await files.locate(server.url, by, never), paths[0]);
    assert.deepEqual(server.answered, ['200', '304', '200']);
    await server.stop();
    now += 3_600_000;
    assert.match(await files.locate(server.url, by, never), /cache/);
  });

  it('are probed by one byte, of which nothing is kept', async () => {
    await using folder = await aFolder();
    await using server = await aServer();
    const by = { who: 'node', allowedPaths: [] } as const;
    await folder.files.probe(server.url, by, never);
    await folder.files.probe(server.url, by, never);
    assert.deepEqual(server.ranges, ['bytes=0-0', 'bytes=0-0']);
    await assert.rejects(readdir(join(folder.path, 'cache')));
    await assert.rejects(folder.files.probe(`${server.url}/absent`, by, never), /status 404/);
    await assert.rejects(
      folder.files.probe(join(folder.path, 'kernel'), by, never),
      /in none of the folders/,
    );
    await folder.files.probe(join(folder.path, 'kernel'), { who: 'operator' }, never);
  });

  it('are never asked of a link-local address', async () => {
    await using folder = await aFolder();
    const url = 'http://169.254.169.254/latest';
    for (const ask of ['probe', 'locate'] as const)
      await assert.rejects(folder.files[ask](url, { who: 'operator' }, never), /link-local/);
  });

  it('that drip without end are given up', async () => {
    await using folder = await aFolder();
    const server = createServer((_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(drip));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    const { port } = server.address() as AddressInfo; // listening on TCP
    const files = new BootFiles({
      folder: join(folder.path, 'cache'),
      timeoutSeconds: 5,
      downloadSeconds: 0.1,
      verifyCa: true,
      clock: systemClock,
    });
    const located = files.locate(`http://127.0.0.1:${port}/kernel`, { who: 'operator' }, never);
    await assert.rejects(located, /did not give it/);
    server.close();
  });

  it('that are too large, empty or absent are refused', async () => {
    await using folder = await aFolder();
    await using server = await aServer();
    const by = { who: 'operator' } as const;
    server.content = 'x'.repeat(2000);
    await assert.rejects(folder.files.locate(server.url, by, never), /larger than 1000 bytes/);
    server.content = '';
    await assert.rejects(folder.files.locate(server.url, by, never), /empty/);
    await assert.rejects(folder.files.locate(`${server.url}/absent?signature=s3cret`, by, never), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /status 404/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  });
});

async function aServer() {
  const state = { content: 'a ramdisk', answered: [] as string[], ranges: [] as string[] };
  const server = createServer((request, response) => {
    if (request.headers.range !== undefined) state.ranges.push(request.headers.range);
    const etag = `"${state.content.length}"`;
    const status = request.url?.includes('absent')
      ? 404
      : request.headers['if-none-match'] === etag
        ? 304
        : 200;
    state.answered.push(String(status));
    response.writeHead(status, { etag }).end(status === 200 ? state.content : undefined);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const { port } = server.address() as AddressInfo; // listening on TCP
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    server.closeAllConnections();
    await closed.promise;
  };
  return Object.assign(state, { url: `http://127.0.0.1:${port}/ramdisk`, stop, [Symbol.asyncDispose]: stop });
}
