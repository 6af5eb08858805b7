// GUID partition tables (UEFI specification §5.3), as much as an agent needs: read one, stretch it to the disk it
// stands on, add a partition.
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ImageWriteFailed } from './faults.ts';
import type { OpenDisk } from './hardware.ts';

export interface GptPartition {
  /** Place in the table, from 0. */
  index: number;
  firstLba: number;
  /** The last sector, included. */
  lastLba: number;
  name: string;
}

export interface Gpt {
  kind: 'gpt';
  sectorSize: number;
  /** The header's bytes as read; the fields that move are written anew. */
  header: Buffer;
  /** All entries, used or not. */
  entries: Buffer;
  entrySize: number;
  firstUsableLba: number;
  partitions: GptPartition[];
}

const signature = 'EFI PART';
/** Larger tables than anybody makes; a bound on what a strange image can make us read. */
const maximumEntries = 1024;
const maximumEntrySize = 1024;
const emptyType = Buffer.alloc(16);
/** 0FC63DAF-8483-4772-8E79-3D69D8477DE4, "Linux filesystem data", as it lies on the disk. */
const linuxDataType = Buffer.from('af3dc60f838472478e793d69d8477de4', 'hex');
const mebibyte = 1024 ** 2;

/**
 * The disk's primary table, or null when it has none.
 * @throws ImageWriteFailed for a table that is damaged, or made for sectors of another size.
 */
export async function readGpt(disk: OpenDisk): Promise<Gpt | null> {
  const { sectorSize, name } = disk;
  const header = await readSectors(disk, 1, 1);
  if (!isHeader(header)) {
    await refuseOtherSectorSize(disk);
    return null;
  }
  const headerSize = header.readUInt32LE(12);
  if (
    headerSize < 92 ||
    headerSize > sectorSize ||
    header.readUInt32LE(16) !== headerChecksum(header, headerSize)
  )
    throw new ImageWriteFailed(`The partition table on ${name} is damaged: the header's checksum is wrong`);
  const count = header.readUInt32LE(80);
  const entrySize = header.readUInt32LE(84);
  if (count > maximumEntries || entrySize < 128 || entrySize > maximumEntrySize || entrySize % 8 !== 0)
    throw new ImageWriteFailed(`The partition table on ${name} has ${count} entries of ${entrySize} bytes`);
  const sectors = Math.ceil((count * entrySize) / sectorSize);
  const entries = (await readSectors(disk, lbaAt(header, 72), sectors)).subarray(0, count * entrySize);
  if (header.readUInt32LE(88) !== crc32(entries))
    throw new ImageWriteFailed(`The partition table on ${name} is damaged: the entries' checksum is wrong`);
  const partitions: GptPartition[] = [];
  for (let index = 0; index < count; index++) {
    const entry = entries.subarray(index * entrySize, (index + 1) * entrySize);
    if (entry.subarray(0, 16).equals(emptyType)) continue;
    const partition = { index, firstLba: lbaAt(entry, 32), lastLba: lbaAt(entry, 40), name: nameOf(entry) };
    if (partition.firstLba > partition.lastLba || (partition.lastLba + 1) * sectorSize > disk.size)
      throw new ImageWriteFailed(
        `Partition ${index + 1} in the table on ${name} ends behind the end of the disk`,
      );
    partitions.push(partition);
  }
  return {
    kind: 'gpt',
    sectorSize,
    header,
    entries,
    entrySize,
    firstUsableLba: lbaAt(header, 40),
    partitions,
  };
}

/**
 * Writes `gpt` so that its backup is in the last sectors of this disk, as it must be, whatever size the disk was that
 * the table was made for. The backup goes first: at every moment one of the two is whole. May be repeated.
 */
export async function writeGpt(disk: OpenDisk, gpt: Gpt): Promise<void> {
  const { sectorSize } = gpt;
  const layout = layoutOn(disk, gpt);
  const entries = Buffer.alloc(layout.entrySectors * sectorSize);
  gpt.entries.copy(entries);
  const header = Buffer.from(gpt.header);
  header.writeBigUInt64LE(BigInt(layout.lastUsableLba), 48);
  header.writeUInt32LE(crc32(gpt.entries), 88);
  const sealed = (lba: number, alternate: number, entriesLba: number) => {
    const copy = Buffer.from(header);
    copy.writeBigUInt64LE(BigInt(lba), 24);
    copy.writeBigUInt64LE(BigInt(alternate), 32);
    copy.writeBigUInt64LE(BigInt(entriesLba), 72);
    copy.writeUInt32LE(headerChecksum(copy, copy.readUInt32LE(12)), 16);
    return copy;
  };
  const entriesLba = lbaAt(gpt.header, 72);
  await disk.write(layout.backupEntriesLba * sectorSize, entries);
  await disk.write(layout.backupLba * sectorSize, sealed(layout.backupLba, 1, layout.backupEntriesLba));
  await disk.flush();
  await disk.write(entriesLba * sectorSize, entries);
  await disk.write(sectorSize, sealed(1, layout.backupLba, entriesLba));
  await writeProtectiveMbr(disk);
  await disk.flush();
}

/**
 * `gpt` with a partition of at least `size` bytes at the end of the disk; nothing is written yet.
 * @throws ImageWriteFailed when there is no room or no free entry.
 */
export function withPartitionAtEnd(
  disk: OpenDisk,
  gpt: Gpt,
  { size, name }: { size: number; name: string },
): { gpt: Gpt; partition: GptPartition } {
  const { sectorSize, entrySize } = gpt;
  const { lastUsableLba } = layoutOn(disk, gpt);
  const alignment = Math.max(1, mebibyte / sectorSize);
  const firstLba = Math.floor((lastUsableLba + 1 - Math.ceil(size / sectorSize)) / alignment) * alignment;
  const lastUsed = Math.max(gpt.firstUsableLba - 1, ...gpt.partitions.map(({ lastLba }) => lastLba));
  if (firstLba <= lastUsed)
    throw new ImageWriteFailed(
      `There is no room for a partition of ${size} bytes at the end of ${disk.name}: ${disk.size} bytes, of which partitions reach to byte ${(lastUsed + 1) * sectorSize}`,
    );
  const taken = new Set(gpt.partitions.map(({ index }) => index));
  const index = Array.from({ length: gpt.entries.length / entrySize }, (_, at) => at).find(
    (at) => !taken.has(at),
  );
  if (index === undefined)
    throw new ImageWriteFailed(`The partition table on ${disk.name} has no free entry`);
  const partition = { index, firstLba, lastLba: lastUsableLba, name };
  const entries = Buffer.from(gpt.entries);
  entryOf(partition, entrySize).copy(entries, index * entrySize);
  return { gpt: { ...gpt, entries, partitions: [...gpt.partitions, partition] }, partition };
}

function layoutOn(disk: OpenDisk, gpt: Gpt) {
  const backupLba = Math.floor(disk.size / gpt.sectorSize) - 1;
  const entrySectors = Math.ceil(gpt.entries.length / gpt.sectorSize);
  const backupEntriesLba = backupLba - entrySectors;
  const lastUsableLba = backupEntriesLba - 1;
  const outside = gpt.partitions.find(({ lastLba }) => lastLba > lastUsableLba);
  if (outside)
    throw new ImageWriteFailed(
      `The disk is too small: partition ${outside.index + 1} reaches to byte ${(outside.lastLba + 1) * gpt.sectorSize}, ${disk.name} has ${disk.size} bytes and keeps its last ${entrySectors + 1} sectors for the partition table`,
    );
  return { backupLba, backupEntriesLba, entrySectors, lastUsableLba };
}

/** The protective entry covers the whole disk; the boot code before it is the image's. */
async function writeProtectiveMbr(disk: OpenDisk) {
  const mbr = await readSectors(disk, 0, 1);
  const at = [446, 462, 478, 494].find((offset) => mbr[offset + 4] === 0xee);
  if (at === undefined) return;
  const sectors = Math.floor(disk.size / disk.sectorSize) - mbr.readUInt32LE(at + 8);
  mbr.writeUInt32LE(Math.min(sectors, 0xffff_ffff), at + 12);
  await disk.write(0, mbr);
}

function entryOf({ firstLba, lastLba, name }: GptPartition, entrySize: number): Buffer {
  const entry = Buffer.alloc(entrySize);
  linuxDataType.copy(entry);
  const guid = randomBytes(16);
  // A random GUID of version 4: the version lies in the last byte of its third field, which is little-endian.
  guid.writeUInt8((guid.readUInt8(7) & 0x0f) | 0x40, 7);
  guid.writeUInt8((guid.readUInt8(8) & 0x3f) | 0x80, 8);
  guid.copy(entry, 16);
  entry.writeBigUInt64LE(BigInt(firstLba), 32);
  entry.writeBigUInt64LE(BigInt(lastLba), 40);
  entry.write(name, 56, 72, 'utf16le');
  return entry;
}

/** A table that starts at the second sector of another size was made for other disks: say so. */
async function refuseOtherSectorSize(disk: OpenDisk) {
  for (const other of [512, 4096]) {
    if (other === disk.sectorSize || disk.size < other * 2) continue;
    const sector = Buffer.alloc(disk.sectorSize);
    await disk.read(other - (other % disk.sectorSize), sector);
    if (sector.subarray(other % disk.sectorSize).toString('latin1', 0, 8) === signature)
      throw new ImageWriteFailed(
        `The image's partition table is for disks with sectors of ${other} bytes, ${disk.name} has sectors of ${disk.sectorSize}`,
      );
  }
}

function isHeader(sector: Buffer): boolean {
  return sector.toString('latin1', 0, 8) === signature;
}

function headerChecksum(header: Buffer, size: number): number {
  const copy = Buffer.from(header.subarray(0, size));
  copy.writeUInt32LE(0, 16); // the checksum is of the header with this field as zero
  return crc32(copy);
}

function nameOf(entry: Buffer): string {
  const [name = ''] = entry.subarray(56, 128).toString('utf16le').split('\0', 1);
  return name;
}

function lbaAt(bytes: Buffer, offset: number): number {
  const lba = bytes.readBigUInt64LE(offset);
  // Beyond any disk: clipped, so that the checks against the disk's size refuse it.
  return lba > 2n ** 40n ? 2 ** 40 : Number(lba);
}

async function readSectors(disk: OpenDisk, lba: number, count: number): Promise<Buffer> {
  if ((lba + count) * disk.sectorSize > disk.size)
    throw new ImageWriteFailed(
      `${disk.name} ends at byte ${disk.size}, before the partition table's sector ${lba}`,
    );
  const bytes = Buffer.alloc(count * disk.sectorSize);
  await disk.read(lba * disk.sectorSize, bytes);
  return bytes;
}
