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
  const source = chunks[Symbol.asyncIterator]();
  try {
    const head = await readHead(source);
    const form = formOf(head);
    onForm(form);
    const all = continued(head, source);
    yield* form === 'gzip' || form === 'zstd' ? examined(inflate(form, all), onForm) : all;
  } finally {
    // Not awaited: a source that waits for its next bytes gives up only when they come or its own time is over.
    source.return?.().catch(() => {});
  }
}

/** Passes a stream through after telling `onForm` what it begins with. */
async function* examined(
  chunks: AsyncIterable<Buffer>,
  onForm: (form: ImageForm) => void,
): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < longestMagic) continue;
    onForm(formOf(head));
    yield head;
    head = null;
  }
  if (head === null) return;
  onForm(formOf(head));
  yield head;
}

async function* inflate(form: 'gzip' | 'zstd', chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflater = form === 'gzip' ? createGunzip() : createZstdDecompress();
  const feeding = pipeline(Readable.from(chunks), inflater);
  // Whoever reads the inflater meets the same error; this one must only not go unheard before that.
  feeding.catch(() => {});
  try {
    for await (const chunk of inflater) yield chunk as Buffer; // zlib streams are of buffers
    await feeding;
  } finally {
    inflater.destroy();
  }
}

async function readHead(source: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < longestMagic) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* continued(head: Buffer, source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}
