// An image that exists only as a layout: any range of its bytes is read from where they are.
import { open } from 'node:fs/promises';
import { IsoSourceChanged } from './errors.ts';
import { sourceSize, type IsoSource } from './source.ts';

/** Some bytes of the image: `source` from its beginning, placed at `offset`. What no segment covers is zeros. */
export interface Segment {
  offset: number;
  source: IsoSource;
}

export interface IsoImage {
  readonly size: number;
  /** Strong: differs whenever a byte may differ. With its quotes. */
  readonly etag: string;
  /**
   * The bytes from `start` up to but not including `end`, in chunks. Opens each base file when it comes to it and
   * closes it when done, also when the reader stops early. Throws IsoSourceChanged if a base file is gone or
   * shorter than it was; RangeError outside the image. Repeatable, any number at once.
   */
  read(start: number, end: number): AsyncGenerator<Uint8Array, void, void>;
}

const chunkSize = 256 * 1024;
const zeros = new Uint8Array(64 * 1024);

/** `segments` in order of their offsets, not overlapping. */
export async function* readSegments(
  segments: readonly Segment[],
  size: number,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  if (
    !(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= size)
  ) {
    throw new RangeError(`bytes ${start} to ${end} are outside an image of ${size} bytes`);
  }
  let position = start;
  for (let index = firstEndingAfter(segments, start); position < end; index += 1) {
    const segment = segments[index];
    const gapEnd = Math.min(segment?.offset ?? size, end);
    while (position < gapEnd) {
      const length = Math.min(zeros.length, gapEnd - position);
      yield zeros.subarray(0, length);
      position += length;
    }
    if (segment === undefined || position >= end) return;
    const until = Math.min(segment.offset + sourceSize(segment.source), end);
    yield* readSource(segment.source, position - segment.offset, until - segment.offset);
    position = until;
  }
}

function firstEndingAfter(segments: readonly Segment[], position: number): number {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const segment = segments[middle];
    if (segment !== undefined && segment.offset + sourceSize(segment.source) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function* readSource(
  source: IsoSource,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  if (source.kind === 'bytes') {
    yield source.bytes.subarray(start, end);
    return;
  }
  await using file = await openBase(source.path);
  const { size } = await file.stat();
  if (size !== source.size) {
    throw new IsoSourceChanged(source.path, `it has ${size} bytes and had ${source.size}`);
  }
  for (let position = start; position < end;) {
    const length = Math.min(chunkSize, end - position);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
    if (bytesRead === 0) throw new IsoSourceChanged(source.path, `it ends at byte ${position}`);
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

async function openBase(path: string) {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new IsoSourceChanged(path, 'it cannot be opened', { cause });
  }
}

/** The whole image in memory; for small ones. */
export async function collectIso(image: IsoImage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of image.read(0, image.size)) chunks.push(chunk);
  return Buffer.concat(chunks, image.size);
}
