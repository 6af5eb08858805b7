// Reads files out of an ISO 9660 image by byte ranges, by their Rock Ridge, Joliet or plain names.
// ECMA-119 for the layout, IEEE P1281 (SUSP) and P1282 (Rock Ridge) for the system use area.
import { BootFailure } from './errors.ts';
import type { ByteSource } from './http-bytes.ts';

const sectorSize = 2048;
const firstDescriptor = 16;
const mostDescriptors = 32;
const largestDirectory = 4 * 1024 * 1024;
const mostContinuations = 16;

interface Extent {
  offset: number;
  length: number;
}

interface DirectoryEntry {
  name: string;
  isDirectory: boolean;
  extents: Extent[];
}

interface Volume {
  names: 'rock-ridge' | 'joliet' | 'plain';
  blockSize: number;
  root: Extent;
  /** Bytes of the system use area that belong to someone else. */
  skip: number;
}

export interface IsoFile {
  size: number;
  /** Exactly that many bytes of the file. */
  read(offset: number, length: number): Promise<Buffer>;
}

export class Iso9660Reader {
  readonly #source: ByteSource;
  readonly #volume: Volume;

  private constructor(source: ByteSource, volume: Volume) {
    this.#source = source;
    this.#volume = volume;
  }

  /** Which kind of names the image is read by. */
  get names(): Volume['names'] {
    return this.#volume.names;
  }

  /** Throws BootFailure when the bytes are no ISO 9660 image. */
  static async open(source: ByteSource): Promise<Iso9660Reader> {
    return new Iso9660Reader(source, await findVolume(source));
  }

  /** The names in a directory; undefined when there is no such directory. */
  async list(path: string): Promise<string[] | undefined> {
    const directory = await this.#find(path);
    if (!directory?.isDirectory) return undefined;
    return (await this.#readDirectory(directory)).map((entry) => entry.name);
  }

  /** The file at that path; undefined when there is none. */
  async file(path: string): Promise<IsoFile | undefined> {
    const entry = await this.#find(path);
    if (!entry || entry.isDirectory) return undefined;
    const size = entry.extents.reduce((sum, extent) => sum + extent.length, 0);
    return {
      size,
      read: async (offset, length) => {
        if (offset < 0 || offset + length > size)
          throw new BootFailure(`${path} has ${size} bytes, not ${offset + length}.`);
        const pieces = piecesOf(entry.extents, offset, length);
        return Buffer.concat(
          await Promise.all(pieces.map((piece) => this.#source.read(piece.offset, piece.length))),
        );
      },
    };
  }

  async #find(path: string): Promise<DirectoryEntry | undefined> {
    let here: DirectoryEntry = { name: '', isDirectory: true, extents: [this.#volume.root] };
    for (const wanted of path.split('/').filter((part) => part !== '')) {
      if (!here.isDirectory) return undefined;
      const entries = await this.#readDirectory(here);
      // Firmware and GRUB fall back to names without regard to case on images that only have plain ones.
      const next =
        entries.find((entry) => entry.name === wanted) ??
        entries.find((entry) => entry.name.toLowerCase() === wanted.toLowerCase());
      if (!next) return undefined;
      here = next;
    }
    return here;
  }

  async #readDirectory(directory: DirectoryEntry): Promise<DirectoryEntry[]> {
    const [extent] = directory.extents;
    if (!extent || extent.length > largestDirectory)
      throw new BootFailure(`The directory ${directory.name} of the image is too large.`);
    const bytes = await this.#source.read(extent.offset, extent.length);
    const entries: DirectoryEntry[] = [];
    let continues = false;
    for (const record of recordsIn(bytes)) {
      const identifier = record.subarray(33, 33 + record.readUInt8(32));
      if (identifier.length === 1 && (identifier[0] === 0 || identifier[0] === 1)) continue;
      const extent = extentOf(record, this.#volume.blockSize);
      const last = entries.at(-1);
      if (continues && last) last.extents.push(extent);
      else
        entries.push({
          name: await this.#nameOf(record, identifier),
          isDirectory: (record.readUInt8(25) & 0x02) !== 0,
          extents: [extent],
        });
      continues = (record.readUInt8(25) & 0x80) !== 0;
    }
    return entries;
  }

  async #nameOf(record: Buffer, identifier: Buffer): Promise<string> {
    switch (this.#volume.names) {
      case 'joliet':
        return withoutVersion(Buffer.from(identifier).swap16().toString('utf16le'));
      case 'plain':
        return withoutVersion(identifier.toString('latin1'));
      case 'rock-ridge': {
        let name = '';
        for await (const { tag, body } of systemUse(this.#source, record, this.#volume))
          if (tag === 'NM') name += body.subarray(1).toString('utf8');
        return name === '' ? withoutVersion(identifier.toString('latin1')) : name;
      }
    }
  }
}

async function findVolume(source: ByteSource): Promise<Volume> {
  let plain: Volume | undefined;
  let joliet: Volume | undefined;
  for (let index = 0; index < mostDescriptors; index += 1) {
    const descriptor = await source.read((firstDescriptor + index) * sectorSize, sectorSize);
    if (descriptor.toString('latin1', 1, 6) !== 'CD001')
      throw new BootFailure('The image is not an ISO 9660 file system.');
    const type = descriptor.readUInt8(0);
    if (type === 255) break;
    if (type === 1) plain ??= volumeOf(descriptor, 'plain');
    // UCS-2 levels 1 to 3 announce themselves by these escape sequences.
    if (type === 2 && ['%/@', '%/C', '%/E'].includes(descriptor.toString('latin1', 88, 91)))
      joliet ??= volumeOf(descriptor, 'joliet');
  }
  if (!plain) throw new BootFailure('The image has no primary volume descriptor.');
  const rockRidge = await asRockRidge(source, plain);
  return rockRidge ?? joliet ?? plain;
}

function volumeOf(descriptor: Buffer, names: Volume['names']): Volume {
  const blockSize = descriptor.readUInt16LE(128);
  if (blockSize < 512 || blockSize > sectorSize)
    throw new BootFailure(`The image has blocks of ${blockSize} bytes, which no ISO 9660 image has.`);
  return { names, blockSize, root: extentOf(descriptor.subarray(156, 190), blockSize), skip: 0 };
}

/** Rock Ridge announces itself by an SP entry in the root's first record and NM entries on files. */
async function asRockRidge(source: ByteSource, volume: Volume): Promise<Volume | undefined> {
  if (volume.root.length > largestDirectory)
    throw new BootFailure('The root directory of the image is too large.');
  const records = [...recordsIn(await source.read(volume.root.offset, volume.root.length))];
  const [self] = records;
  if (!self) return undefined;
  let skip: number | undefined;
  for await (const { tag, body } of systemUse(source, self, volume))
    if (tag === 'SP' && body[0] === 0xbe && body[1] === 0xef) skip = body[2] ?? 0;
  if (skip === undefined) return undefined;
  const found: Volume = { ...volume, names: 'rock-ridge', skip };
  for (const record of records.slice(2))
    for await (const { tag } of systemUse(source, record, found)) if (tag === 'NM') return found;
  return records.length > 2 ? undefined : found;
}

/** The SUSP entries of a directory record, through its continuation areas. */
async function* systemUse(
  source: ByteSource,
  record: Buffer,
  volume: Volume,
): AsyncGenerator<{ tag: string; body: Buffer }> {
  const identifierLength = record.readUInt8(32);
  const start = 33 + identifierLength + (identifierLength % 2 === 0 ? 1 : 0);
  let area: Buffer | undefined = record.subarray(start + volume.skip);
  for (let areas = 0; area && areas < mostContinuations; areas += 1) {
    let next: Extent | undefined;
    for (let at = 0; at + 4 <= area.length;) {
      const length = area.readUInt8(at + 2);
      if (length < 4 || at + length > area.length) break;
      const tag = area.toString('latin1', at, at + 2);
      if (tag === 'ST') break;
      const body = area.subarray(at + 4, at + length);
      if (tag === 'CE' && body.length >= 24)
        next = {
          offset: body.readUInt32LE(0) * volume.blockSize + body.readUInt32LE(8),
          length: Math.min(body.readUInt32LE(16), sectorSize),
        };
      yield { tag, body };
      at += length;
    }
    area = next ? await source.read(next.offset, next.length) : undefined;
  }
}

/** The directory records of a directory's bytes. A record never crosses a sector; a zero length ends the sector. */
function* recordsIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt8(at);
    if (length === 0) {
      at = (Math.floor(at / sectorSize) + 1) * sectorSize;
      continue;
    }
    if (length < 34 || at + length > bytes.length)
      throw new BootFailure('The image has a broken directory record.');
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function extentOf(record: Buffer, blockSize: number): Extent {
  // Extended attributes, when there are any, stand before the data.
  return {
    offset: (record.readUInt32LE(2) + record.readUInt8(1)) * blockSize,
    length: record.readUInt32LE(10),
  };
}

function piecesOf(extents: Extent[], offset: number, length: number): Extent[] {
  const pieces: Extent[] = [];
  let skip = offset;
  let left = length;
  for (const extent of extents) {
    const taken = Math.min(left, Math.max(0, extent.length - skip));
    if (taken > 0) pieces.push({ offset: extent.offset + skip, length: taken });
    skip = Math.max(0, skip - extent.length);
    left -= taken;
  }
  return pieces;
}

function withoutVersion(name: string): string {
  return name.replace(/;\d+$/, '').replace(/\.$/, '');
}
