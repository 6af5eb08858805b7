import assert from 'node:assert/strict';
import { mkdtempDisposable, open, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { composeIso, type IsoInput } from './compose.ts';
import { IsoInputInvalid, IsoSourceChanged } from './errors.ts';
import { collectIso, type IsoImage } from './image.ts';
import { fileSource, type IsoSource } from './source.ts';
import { readBody, readBootCatalogue, readFrom, readVolume, type ReadAt } from './testing/read-iso.ts';

const modifiedAt = new Date('2026-01-02T03:04:05Z');

function bytesOf(text: string | Uint8Array): IsoSource & { kind: 'bytes' } {
  return { kind: 'bytes', bytes: Buffer.from(text) };
}

function anIso(input: Partial<IsoInput> = {}): IsoImage {
  return composeIso({ volumeLabel: 'ingot', files: [], modifiedAt, ...input });
}

function readRange(image: IsoImage): ReadAt {
  return async (offset, length) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of image.read(offset, offset + length)) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
}

const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9._-]{0,40}$/),
  fc.stringMatching(/^[A-Za-zäß漢 +~]{1,30}$/),
);
const tree = fc.dictionary(
  fc.array(name, { minLength: 1, maxLength: 7 }).map((names) => names.join('/')),
  fc.uint8Array({ maxLength: 5000 }),
  { maxKeys: 40, noNullPrototype: true },
);

/** Without paths that would be a file and a folder at once. */
function consistent(files: Record<string, Uint8Array>): [path: string, bytes: Uint8Array][] {
  const paths = Object.keys(files);
  return Object.entries(files).filter(([path]) => !paths.some((other) => other.startsWith(`${path}/`)));
}

test('both trees of any image hold every file with its bytes, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (generated) => {
      const files = consistent(generated);
      const image = anIso({ files: files.map(([path, bytes]) => ({ path, source: bytesOf(bytes) })) });
      const read = readFrom(await collectIso(image));
      for (const kind of ['rock-ridge', 'joliet'] as const) {
        const volume = await readVolume(read, kind);
        assert.deepEqual([...volume.files.keys()].toSorted(), files.map(([path]) => `/${path}`).toSorted());
        assert.equal(volume.sectors * 2048, image.size);
        for (const [path, bytes] of files) {
          assert.deepEqual(await readBody(read, volume.files.get(`/${path}`)), Buffer.from(bytes));
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('any range of an image is that slice of the whole', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'iso-'));
  const base = join(folder.path, 'base');
  const content = Buffer.from(Array.from({ length: 700_001 }, (_, at) => (at * 31) % 251));
  await writeFile(base, content);
  const image = anIso({
    files: [
      { path: 'boot/ramdisk', source: await fileSource(base) },
      { path: 'boot/params', source: bytesOf('ipa-api-url=http://127.0.0.1') },
    ],
  });
  const whole = await collectIso(image);
  const volume = await readVolume(readFrom(whole), 'rock-ridge');
  assert.deepEqual(await readBody(readFrom(whole), volume.files.get('/boot/ramdisk')), content);
  const position = fc.nat({ max: image.size });
  await fc.assert(
    fc.asyncProperty(position, position, async (a, b) => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      const got = await readRange(image)(start, end - start);
      assert.ok(got.equals(whole.subarray(start, end)));
    }),
    { numRuns: 100 },
  );
  await assert.rejects(readRange(image)(image.size, 1), RangeError);
});

test('the same input gives the same bytes and tag in any order, and another input another tag', async () => {
  const files = ['b', 'a/z', 'a/y', 'c'].map((path) => ({ path, source: bytesOf(`content of ${path}`) }));
  const one = anIso({ files });
  const two = anIso({ files: files.toReversed() });
  assert.ok((await collectIso(one)).equals(await collectIso(two)));
  assert.equal(one.etag, two.etag);
  const changed = files.map((file) =>
    file.path === 'b' ? { ...file, source: bytesOf('content of x') } : file,
  );
  assert.notEqual(anIso({ files: changed }).etag, one.etag);
});

test('the label, the date and the modes are what was asked for', async () => {
  const read = readFrom(
    await collectIso(anIso({ volumeLabel: 'config-2', files: [{ path: 'f', source: bytesOf('') }] })),
  );
  for (const kind of ['rock-ridge', 'joliet'] as const) {
    const volume = await readVolume(read, kind);
    assert.equal(volume.label, 'config-2');
    assert.equal(volume.modifiedAt, '20260102030405');
    assert.equal(volume.files.get('/f')?.mode, kind === 'joliet' ? null : 0o100_444);
  }
});

test('names alike in the first thirty characters stay apart for readers of plain ISO 9660', async () => {
  const files = Array.from({ length: 120 }, (_, index) => ({
    path: `folder/a-rather-long-name-of-a-file-${index}.conf`,
    source: bytesOf(`${index}`),
  }));
  // The reader asserts that no identifier is there twice.
  const volume = await readVolume(readFrom(await collectIso(anIso({ files }))), 'rock-ridge');
  assert.equal(volume.files.size, 120);
});

test('firmware finds the EFI image, and the BIOS loader with the table of where it lies', async () => {
  const efi = bytesOf(Buffer.alloc(8192, 'E'));
  const bios = Buffer.from(Array.from({ length: 3000 }, (_, at) => at % 256));
  const image = anIso({
    files: [{ path: 'boot/efi.img', source: efi }],
    efiBootImage: efi,
    biosBootImage: { bytes: bios, bootInfoTable: true },
  });
  const read = readFrom(await collectIso(image));
  const [first, second, ...none] = await readBootCatalogue(read);
  assert.ok(first !== undefined && second !== undefined && none.length === 0);
  assert.deepEqual([first.platform, first.mediaType, first.loadSectors], [0, 0, 4]);
  assert.deepEqual([second.platform, second.mediaType, second.loadSectors], [0xef, 0, 16]);
  const file = (await readVolume(read, 'rock-ridge')).files.get('/boot/efi.img');
  assert.equal(file?.extents[0]?.offset, second.offset, 'the file is stored once');

  const loader = await read(first.offset, bios.length);
  assert.deepEqual(
    [8, 12, 16].map((at) => loader.readUInt32LE(at)),
    [16, first.offset / 2048, 3000],
  );
  let sum = 0;
  for (let at = 64; at < 3000; at += 4) sum = (sum + bios.readUInt32LE(at)) >>> 0;
  assert.equal(loader.readUInt32LE(20), sum);
  assert.deepEqual(loader.subarray(64), bios.subarray(64));

  const efiOnly = await readBootCatalogue(readFrom(await collectIso(anIso({ efiBootImage: efi }))));
  assert.deepEqual(
    efiOnly.map(({ platform }) => platform),
    [0xef],
  );
  assert.deepEqual(await readBootCatalogue(readFrom(await collectIso(anIso()))), []);
});

test('a file of more than 4 GiB is several extents that follow each other', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'iso-'));
  const base = join(folder.path, 'large');
  const size = 2 ** 32 + 5000;
  await writeFile(base, '');
  await truncate(base, size);
  const tail = Buffer.from('the last bytes');
  await using file = await open(base, 'r+');
  await file.write(tail, 0, tail.length, size - tail.length);
  const image = anIso({ files: [{ path: 'large', source: await fileSource(base) }] });
  const read = readRange(image);
  for (const kind of ['rock-ridge', 'joliet'] as const) {
    const extents = (await readVolume(read, kind)).files.get('/large')?.extents ?? [];
    assert.deepEqual(
      extents.map(({ length }) => length),
      [2 ** 32 - 2048, 7048],
    );
    const [first, second] = extents;
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second.offset, first.offset + first.length);
    assert.deepEqual(await read(second.offset + 7048 - tail.length, tail.length), tail);
  }
});

test('a path or label that the file system cannot carry is refused with its name', () => {
  const impossible = [
    '',
    '/a',
    'a/',
    'a//b',
    '.',
    '../a',
    'a/../b',
    'a\nb',
    'a:b',
    'a\\b',
    'x'.repeat(65),
    '漢'.repeat(50),
    'a/b/c/d/e/f/g/h/i',
    '\uD800',
  ];
  for (const path of impossible) {
    assert.throws(() => anIso({ files: [{ path, source: bytesOf('') }] }), IsoInputInvalid, path);
  }
  for (const paths of [
    ['a', 'a'],
    ['a', 'a/b'],
    ['a/b', 'a'],
  ]) {
    assert.throws(
      () => anIso({ files: paths.map((path) => ({ path, source: bytesOf('') })) }),
      IsoInputInvalid,
    );
  }
  for (const volumeLabel of ['x'.repeat(33), 'läbel', 'a\nb']) {
    assert.throws(() => anIso({ volumeLabel }), IsoInputInvalid);
  }
  assert.throws(() => anIso({ modifiedAt: new Date('1800-01-01') }), IsoInputInvalid);
  assert.throws(() => anIso({ modifiedAt: new Date(Number.NaN) }), IsoInputInvalid);
});

test('a base file that changed its size or is gone ends the reading with its name', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'iso-'));
  const base = join(folder.path, 'base');
  await writeFile(base, 'four');
  const files = [{ path: 'f', source: await fileSource(base) }];
  const image = anIso({ files });
  await writeFile(base, 'two');
  assert.notEqual(anIso({ files: [{ path: 'f', source: await fileSource(base) }] }).etag, image.etag);
  await assert.rejects(
    collectIso(image),
    (error) => error instanceof IsoSourceChanged && error.path === base,
  );
  const gone = anIso({ files: [{ path: 'f', source: { kind: 'file', path: `${base}-gone`, size: 4 } }] });
  await assert.rejects(collectIso(gone), IsoSourceChanged);
});
