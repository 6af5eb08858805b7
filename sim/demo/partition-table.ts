// Reads a GUID partition table from a file (UEFI 2.10 §5.3): the demo's own eyes, not the agent's.
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { DemoFailure } from './failure.ts';

export interface TableEntry {
  /** Place in the table, from 0. */
  index: number;
  name: string;
  firstLba: number;
  /** Included. */
  lastLba: number;
}

export interface PartitionTable {
  lba: number;
  alternateLba: number;
  entriesLba: number;
  lastUsableLba: number;
  diskGuid: string;
  entries: TableEntry[];
  /** All of them as they lie on the disk, used or not. */
  entryBytes: Buffer;
}

export const sectorSize = 512;
export const entrySize = 128;

/** The table whose header stands in that sector. Throws DemoFailure when there is none, or a checksum is wrong. */
export async function readTable(file: FileHandle, lba: number): Promise<PartitionTable> {
  const header = await readBytes(file, lba * sectorSize, sectorSize);
  if (header.toString('latin1', 0, 8) !== 'EFI PART')
    throw new DemoFailure(`sector ${lba} holds no header of a partition table`);
  const size = header.readUInt32LE(12);
  const sealed = Buffer.from(header.subarray(0, size));
  sealed.writeUInt32LE(0, 16);
  if (crc32(sealed) !== header.readUInt32LE(16))
    throw new DemoFailure(`the checksum of the partition table's header in sector ${lba} is wrong`);
  const entriesLba = Number(header.readBigUInt64LE(72));
  const count = header.readUInt32LE(80);
  if (header.readUInt32LE(84) !== entrySize || count > 1024)
    throw new DemoFailure(`the partition table in sector ${lba} has ${count} entries of a strange size`);
  const entryBytes = await readBytes(file, entriesLba * sectorSize, count * entrySize);
  if (crc32(entryBytes) !== header.readUInt32LE(88))
    throw new DemoFailure(`the checksum of the partition table's entries in sector ${entriesLba} is wrong`);
  return {
    lba: Number(header.readBigUInt64LE(24)),
    alternateLba: Number(header.readBigUInt64LE(32)),
    entriesLba,
    lastUsableLba: Number(header.readBigUInt64LE(48)),
    diskGuid: header.toString('hex', 56, 72),
    entries: entriesIn(entryBytes),
    entryBytes,
  };
}

/** Exactly that many bytes. Throws DemoFailure where the file ends before. */
export async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  return await readInto(file, position, Buffer.alloc(length));
}

/** Fills the buffer. Throws DemoFailure where the file ends before. */
export async function readInto(file: FileHandle, position: number, buffer: Buffer): Promise<Buffer> {
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  if (bytesRead !== buffer.length)
    throw new DemoFailure(`the disk ends before byte ${position + buffer.length}`);
  return buffer;
}

function entriesIn(bytes: Buffer): TableEntry[] {
  const entries: TableEntry[] = [];
  for (let index = 0; index < bytes.length / entrySize; index += 1) {
    const entry = bytes.subarray(index * entrySize, (index + 1) * entrySize);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    entries.push({
      index,
      name: entry.toString('utf16le', 56, 128).split('\0', 1)[0] ?? '',
      firstLba: Number(entry.readBigUInt64LE(32)),
      lastLba: Number(entry.readBigUInt64LE(40)),
    });
  }
  return entries;
}
