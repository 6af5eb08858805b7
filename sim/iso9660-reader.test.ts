import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ByteSource } from './http-bytes.ts';
import { Iso9660Reader } from './iso9660-reader.ts';
import { isoOf } from './testing/boot-image.ts';

const contents = {
  'boot/grub/grub.cfg': 'linux /vmlinuz',
  'A Rather Long Name, with spaces.configuration': 'long',
  'openstack/latest/meta_data.json': '{}',
  'large.bin': Buffer.alloc(5000, 'x'),
};

function sourceOf(bytes: Buffer): ByteSource {
  return { read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)) };
}

/** The image without its Rock Ridge entries, as a tool without them would have made it. */
function withoutRockRidge(iso: Buffer): Buffer {
  const bytes = Buffer.from(iso);
  for (let at = bytes.indexOf('SP\x07\x01'); at >= 0; at = bytes.indexOf('SP\x07\x01', at + 1))
    bytes.write('XX', at);
  return bytes;
}

function withoutJoliet(iso: Buffer): Buffer {
  const bytes = Buffer.from(iso);
  for (let sector = 16; bytes[sector * 2048] !== 255; sector += 1)
    if (bytes[sector * 2048] === 2) bytes.write('   ', sector * 2048 + 88);
  return bytes;
}

async function textOf(iso: Iso9660Reader, path: string): Promise<string | undefined> {
  const file = await iso.file(path);
  return file && (await file.read(0, file.size)).toString();
}

describe('reading an ISO 9660 image', () => {
  it('finds files by their Rock Ridge names', async () => {
    const iso = await Iso9660Reader.open(sourceOf(await isoOf(contents)));
    assert.equal(iso.names, 'rock-ridge');
    for (const [path, bytes] of Object.entries(contents))
      assert.equal(await textOf(iso, `/${path}`), bytes.toString());
    assert.deepEqual(await iso.list('/openstack'), ['latest']);
  });

  it('falls back to Joliet names where there is no Rock Ridge', async () => {
    const iso = await Iso9660Reader.open(sourceOf(withoutRockRidge(await isoOf(contents))));
    assert.equal(iso.names, 'joliet');
    assert.equal(await textOf(iso, '/A Rather Long Name, with spaces.configuration'), 'long');
    assert.equal(await textOf(iso, '/boot/grub/grub.cfg'), 'linux /vmlinuz');
  });

  it('falls back to plain names where there is neither, and then minds no case', async () => {
    const iso = await Iso9660Reader.open(sourceOf(withoutJoliet(withoutRockRidge(await isoOf(contents)))));
    assert.equal(iso.names, 'plain');
    assert.equal(await textOf(iso, '/boot/grub/grub.cfg'), 'linux /vmlinuz');
  });

  it('reads a part of a file, and nothing beyond its end', async () => {
    const iso = await Iso9660Reader.open(sourceOf(await isoOf({ 'a.txt': '0123456789' })));
    const file = await iso.file('/a.txt');
    assert.equal((await file?.read(3, 4))?.toString(), '3456');
    await assert.rejects(async () => file?.read(8, 3), /has 10 bytes/);
  });

  it('tells what is not there, and what is no image', async () => {
    const iso = await Iso9660Reader.open(sourceOf(await isoOf(contents)));
    assert.equal(await iso.file('/boot/missing'), undefined);
    assert.equal(await iso.file('/boot'), undefined);
    assert.equal(await iso.file('/large.bin/below'), undefined);
    await assert.rejects(Iso9660Reader.open(sourceOf(Buffer.alloc(65_536))), /not an ISO 9660/);
  });
});
