// Images come plain or compressed; which, is told by their first bytes, never by their name.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** What the first bytes of an image show it to be. */
export type ImageForm = 'gzip' | 'zstd' | 'qcow2' | 'vmdk' | 'vhdx' | 'xz' | 'bzip2' | 'raw';

const magics: [form: ImageForm, bytes: number[]][] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['qcow2', [0x51, 0x46, 0x49, 0xfb]],
  ['vmdk', [0x4b, 0x44, 0x4d, 0x56]],
  ['vhdx', [0x76, 0x68, 0x64, 0x78, 0x66, 0x69, 0x6c, 0x65]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
const longestMagic = Math.max(...magics.map(([, bytes]) => bytes.length));

/** The form of an image that begins with `head`. */
export function formOf(head: Uint8Array): ImageForm {
  return magics.find(([, bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0] ?? 'raw';
}

/**
 * The content of a stream that may be gzip or zstd, in bounded memory. `onForm` is told what it begins with: of the
 * stream as it comes, and once more of what was in it when that was compressed; it may throw to refuse the image.
 * Errors of `chunks` come through as they are; a compressed stream that is cut short or broken is an error.
 */
export async function* decompressed(
  chunks: AsyncIterable<Buffer>,
  onForm: (form: ImageForm) => void,
): AsyncGenerator<Buffer> {
  const { form, all } = await peek(chunks);
  onForm(form);
  if (form !== 'gzip' && form !== 'zstd') {
    yield* all;
    return;
  }
  const inner = await peek(inflate(form, all));
  onForm(inner.form);
  yield* inner.all;
}

async function* inflate(form: 'gzip' | 'zstd', chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflater = form === 'gzip' ? createGunzip() : createZstdDecompress();
  const feeding = pipeline(Readable.from(chunks), inflater, { end: true });
  // Whoever reads the inflater meets the same error; this one must only not go unheard before that.
  feeding.catch(() => {});
  try {
    for await (const chunk of inflater) yield chunk as Buffer; // zlib streams are of buffers
    await feeding;
  } finally {
    inflater.destroy();
  }
}

/** The form of a stream, and the stream as if nothing had been read of it. */
async function peek(
  chunks: AsyncIterable<Buffer>,
): Promise<{ form: ImageForm; all: AsyncGenerator<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let length = 0;
  while (length < longestMagic) {
    const next = await iterator.next();
    if (next.done === true) break;
    head.push(next.value);
    length += next.value.length;
  }
  async function* all() {
    try {
      yield* head;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { form: formOf(Buffer.concat(head).subarray(0, longestMagic)), all: all() };
}
