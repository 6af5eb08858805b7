import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { decompressed, formOf } from './decompress.ts';
import type { ImageForm } from './decompress.ts';

/** The bytes in pieces, and whether whoever read them let go of them. */
function inPieces(bytes: Buffer, length: number) {
  const state = { isReleased: false };
  async function* pieces() {
    try {
      for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
    } finally {
      state.isReleased = true;
    }
  }
  return { pieces: pieces(), state };
}

async function read(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const content = randomBytes(8000);
const published: [form: ImageForm, bytes: Buffer, told: ImageForm[]][] = [
  ['raw', content, ['raw']],
  ['gzip', gzipSync(content), ['gzip', 'raw']],
  ['zstd', zstdCompressSync(content), ['zstd', 'raw']],
];
for (const [form, bytes, told] of published)
  test(`${form} gives the content, in pieces of any size`, async () => {
    for (const length of [1, 7, 65_536]) {
      const forms: ImageForm[] = [];
      const { pieces, state } = inPieces(bytes, length);
      assert((await read(decompressed(pieces, (seen) => forms.push(seen)))).equals(content));
      assert.deepEqual(forms, told);
      assert(state.isReleased);
    }
  });

test('a stream of fewer bytes than any mark is raw, and so is an empty one', async () => {
  for (const bytes of [Buffer.from('a'), Buffer.alloc(0)])
    assert((await read(decompressed(inPieces(bytes, 1).pieces, () => {}))).equals(bytes));
});

test('an image that is refused by its form is let go of', async () => {
  for (const bytes of [content, gzipSync(content)]) {
    const { pieces, state } = inPieces(bytes, 1000);
    const refusing = decompressed(pieces, (form) => {
      if (form === 'raw') throw new Error('refused');
    });
    await assert.rejects(read(refusing), /refused/);
    // Letting go is not waited for, but needs nothing from outside to come true.
    await new Promise(setImmediate);
    assert(state.isReleased);
  }
});

test('what is cut short, or fails on its way, is an error', async () => {
  for (const [form, bytes] of published.slice(1))
    await assert.rejects(
      read(decompressed(inPieces(bytes.subarray(0, -5), 1000).pieces, () => {})),
      Error,
      form,
    );
  async function* failing() {
    yield gzipSync(content).subarray(0, 3000);
    throw new Error('the connection broke');
  }
  await assert.rejects(read(decompressed(failing(), () => {})), /the connection broke/);
});

test('other formats are known by their first bytes', () => {
  assert.equal(formOf(Buffer.from('QFI\u00fb', 'latin1')), 'qcow2');
  assert.equal(formOf(Buffer.from('vhdxfile')), 'vhdx');
  assert.equal(formOf(Buffer.from('QF')), 'raw');
});
