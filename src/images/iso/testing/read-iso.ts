// A small reader of ISO 9660 for tests, written against the specifications and sharing nothing with the composer:
// it walks the primary tree by its Rock Ridge names, or the Joliet tree.
import assert from 'node:assert/strict';

const sectorSize = 2048;

export interface ReadFile {
  path: string;
  extents: { offset: number; length: number }[];
  mode: number | null;
}

export interface ReadVolume {
  label: string;
  sectors: number;
  modifiedAt: string;
  files: Map<string, ReadFile>;
  /** Folders as the path table tells them, which must agree with the tree. */
  directories: string[];
}

export interface ReadBoot {
  platform: number;
  mediaType: number;
  loadSectors: number;
  offset: number;
}

/** Bytes of the image, wherever they come from. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

export function readFrom(bytes: Uint8Array): ReadAt {
  return (offset, length) => {
    assert.ok(offset + length <= bytes.length, `offset ${offset} lies in the image`);
    return Promise.resolve(Buffer.from(bytes.subarray(offset, offset + length)));
  };
}

async function descriptors(read: ReadAt): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for (let sector = 16; sector < 32; sector += 1) {
    const bytes = await read(sector * sectorSize, sectorSize);
    assert.equal(bytes.toString('latin1', 1, 6), 'CD001');
    if (bytes[0] === 255) return found;
    found.push(bytes);
  }
  throw new Error('no terminator');
}

/** The volume as a reader of the one or the other tree sees it. */
export async function readVolume(read: ReadAt, kind: 'rock-ridge' | 'joliet'): Promise<ReadVolume> {
  const isJoliet = kind === 'joliet';
  const descriptor = (await descriptors(read)).find((bytes) => bytes[0] === (isJoliet ? 2 : 1));
  assert.ok(descriptor !== undefined);
  if (isJoliet) assert.equal(descriptor.toString('latin1', 88, 91), '%/E');
  const label = descriptor.subarray(40, 72);
  const rootRecord = descriptor.subarray(156, 190);
  const files = new Map<string, ReadFile>();
  const walked = ['/'];
  await walk(read, rootRecord.readUInt32LE(2), rootRecord.readUInt32LE(10), '', kind, files, walked);
  const directories = await readPathTables(read, descriptor, isJoliet);
  assert.equal(directories.length, walked.length);
  return {
    label: (isJoliet ? Buffer.from(label).swap16().toString('utf16le') : label.toString('latin1')).trimEnd(),
    sectors: both32(descriptor, 80),
    modifiedAt: descriptor.toString('latin1', 830, 844),
    files,
    directories: walked.toSorted(),
  };
}

async function walk(
  read: ReadAt,
  sector: number,
  size: number,
  base: string,
  kind: 'rock-ridge' | 'joliet',
  files: Map<string, ReadFile>,
  walked: string[],
): Promise<void> {
  assert.equal(size % sectorSize, 0);
  const bytes = await read(sector * sectorSize, size);
  const identifiers: string[] = [];
  let goesOn = false;
  for (let at = 0; at < size;) {
    const length = bytes[at] ?? 0;
    if (length === 0) {
      at = (Math.floor(at / sectorSize) + 1) * sectorSize;
      continue;
    }
    assert.ok((at % sectorSize) + length <= sectorSize, 'no record crosses a sector');
    const record = bytes.subarray(at, at + length);
    at += length;
    const extent = both32(record, 2);
    const dataLength = both32(record, 10);
    const flags = record[25] ?? 0;
    const identifierLength = record[32] ?? 0;
    const identifier = record.subarray(33, 33 + identifierLength);
    if (identifierLength === 1 && (identifier[0] === 0 || identifier[0] === 1)) {
      if (identifier[0] === 0) assert.equal(extent, sector, '. is the folder itself');
      continue;
    }
    const susp = readSystemUse(record.subarray(33 + identifierLength + (identifierLength % 2 === 0 ? 1 : 0)));
    const stored =
      kind === 'joliet'
        ? Buffer.from(identifier).swap16().toString('utf16le')
        : identifier.toString('latin1');
    if (!goesOn) identifiers.push(stored);
    const name = kind === 'joliet' ? stored.replace(/;1$/, '') : susp.name;
    assert.ok(name !== '', 'every entry has a name');
    const path = `${base}/${name}`;
    if ((flags & 0x02) !== 0) {
      walked.push(path);
      await walk(read, extent, dataLength, path, kind, files, walked);
      continue;
    }
    const file = goesOn ? files.get(path) : undefined;
    const part = { offset: extent * sectorSize, length: dataLength };
    if (file === undefined) files.set(path, { path, extents: [part], mode: susp.mode });
    else file.extents.push(part);
    goesOn = (flags & 0x80) !== 0;
  }
  assert.equal(new Set(identifiers).size, identifiers.length, 'no identifier twice in a folder');
  if (kind === 'rock-ridge') {
    for (const identifier of identifiers) {
      assert.match(identifier, /^[A-Z0-9_]{0,31}$|^[A-Z0-9_]*\.[A-Z0-9_]*;1$/);
      assert.ok(identifier.length <= 33);
    }
  }
}

function readSystemUse(bytes: Buffer): { name: string; mode: number | null } {
  let [name, mode] = ['', null as number | null];
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes[at + 2] ?? 0;
    if (length < 4) break;
    const signature = bytes.toString('latin1', at, at + 2);
    if (signature === 'NM') name += bytes.toString('utf8', at + 5, at + length);
    if (signature === 'PX') mode = both32(bytes, at + 4);
    at += length;
  }
  return { name, mode };
}

async function readPathTables(read: ReadAt, descriptor: Buffer, isJoliet: boolean): Promise<string[]> {
  const size = both32(descriptor, 132);
  const little = await read(descriptor.readUInt32LE(140) * sectorSize, size);
  const big = await read(descriptor.readUInt32BE(148) * sectorSize, size);
  const names: string[] = [];
  for (let at = 0; at < size;) {
    const length = little[at] ?? 0;
    const extent = little.readUInt32LE(at + 2);
    const parent = little.readUInt16LE(at + 6);
    assert.equal(big.readUInt32BE(at + 2), extent);
    assert.equal(big.readUInt16BE(at + 6), parent);
    const identifier = little.subarray(at + 8, at + 8 + length);
    assert.deepEqual(big.subarray(at + 8, at + 8 + length), identifier);
    const own = await read(extent * sectorSize, 34);
    assert.equal(own.readUInt32LE(2), extent, 'the path table points at the folder');
    if (names.length === 0) {
      names.push('');
    } else {
      const name = isJoliet
        ? Buffer.from(identifier).swap16().toString('utf16le')
        : identifier.toString('latin1');
      names.push(`${names[parent - 1] ?? ''}/${name}`);
    }
    at += 8 + length + (length % 2);
  }
  return names;
}

function both32(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at);
  assert.equal(bytes.readUInt32BE(at + 4), value, 'both byte orders say the same');
  return value;
}

/** The bytes of a file of the volume. */
export async function readBody(read: ReadAt, file: ReadFile | undefined): Promise<Buffer> {
  assert.ok(file !== undefined, 'the file is in the image');
  return Buffer.concat(await Promise.all(file.extents.map(({ offset, length }) => read(offset, length))));
}

/** The entries of the El Torito catalogue, checked as firmware would. Empty when there is none. */
export async function readBootCatalogue(read: ReadAt): Promise<ReadBoot[]> {
  const record = (await descriptors(read))[1];
  if (record?.[0] !== 0) return [];
  assert.equal(record.toString('latin1', 7, 30), 'EL TORITO SPECIFICATION');
  const bytes = await read(record.readUInt32LE(0x47) * sectorSize, sectorSize);
  let sum = 0;
  for (let at = 0; at < 32; at += 2) sum += bytes.readUInt16LE(at);
  assert.equal(sum & 0xffff, 0, 'the validation entry sums to zero');
  assert.equal(bytes.readUInt16BE(30), 0x55aa);
  const entry = (at: number, platform: number): ReadBoot => {
    assert.equal(bytes[at], 0x88);
    return {
      platform,
      mediaType: bytes[at + 1] ?? -1,
      loadSectors: bytes.readUInt16LE(at + 6),
      offset: bytes.readUInt32LE(at + 8) * sectorSize,
    };
  };
  const entries = [entry(32, bytes[1] ?? -1)];
  for (let at = 64; bytes[at] === 0x90 || bytes[at] === 0x91; at += 64) {
    entries.push(entry(at + 32, bytes[at + 1] ?? -1));
    if (bytes[at] === 0x91) break;
  }
  return entries;
}
