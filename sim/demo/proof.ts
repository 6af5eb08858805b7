// Reads the disks of machines, to see whether what the API said happened there. Shares no code with the agent.
import assert from 'node:assert/strict';
import { open, type FileHandle } from 'node:fs/promises';
import { Iso9660Reader } from '../iso9660-reader.ts';
import { DemoFailure } from './failure.ts';
import {
  entrySize,
  type PartitionTable,
  readBytes,
  readInto,
  readTable,
  sectorSize,
} from './partition-table.ts';

/** As it was sent: the same three files are to be found on the config drive. */
export interface ConfigDrive {
  meta_data: Record<string, unknown>;
  user_data: string;
  network_data: Record<string, unknown>;
}

export interface Deployed {
  /** Of the image, found on the disk just as they are in the image's file. */
  bytes_equal: number;
  /** Of the image, written anew because this disk is larger and has one partition more; each checked by its meaning. */
  bytes_rewritten: number;
  config_drive: { first_byte: number; bytes: number; files: string[] };
  booted_from: string;
}

export interface Erased {
  /** Of all disks; every one of them reads as zero. */
  bytes_zero: number;
}

interface Range {
  from: number;
  /** Not included. */
  to: number;
}

const chunkBytes = 4 * 1024 ** 2;
const configDriveName = 'config-2';

/** Throws DemoFailure unless image and config drive are on the disk, byte for byte. */
export async function proveDeployed(
  disk: string,
  image: string,
  configDrive: ConfigDrive,
): Promise<Omit<Deployed, 'booted_from'>> {
  await using diskFile = await open(disk);
  await using imageFile = await open(image);
  const [{ size: diskBytes }, { size: imageBytes }] = [await diskFile.stat(), await imageFile.stat()];
  const imageTable = await readTable(imageFile, 1);
  const table = await readTable(diskFile, 1);
  const added = checkTable(table, imageTable, diskBytes);
  await checkBackup(diskFile, table);
  await checkProtectiveMbr(diskFile, diskBytes);
  const rewritten = rewrittenRanges(table, added.index);
  await compareImage(diskFile, imageFile, imageBytes, rewritten);
  const partition = { from: added.firstLba * sectorSize, to: (added.lastLba + 1) * sectorSize };
  const files = await compareConfigDrive(diskFile, partition, configDrive);
  const bytesRewritten = rewritten.reduce((sum, { from, to }) => sum + to - from, 0);
  return {
    bytes_equal: imageBytes - bytesRewritten,
    bytes_rewritten: bytesRewritten,
    config_drive: { first_byte: partition.from, bytes: partition.to - partition.from, files },
  };
}

/** Throws DemoFailure at the first byte that is not zero. */
export async function proveZero(disks: readonly string[]): Promise<Erased> {
  let bytes = 0;
  for (const disk of disks) {
    await using file = await open(disk);
    const { size, blocks } = await file.stat();
    // A file that has no block of its own is one hole, and a hole reads as zeros.
    if (blocks > 0) await readZeros(file, size, disk);
    bytes += size;
  }
  return { bytes_zero: bytes };
}

async function readZeros(file: FileHandle, size: number, disk: string): Promise<void> {
  const [zeros, chunk] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)];
  for (let at = 0; at < size; at += chunkBytes) {
    const found = await readInto(file, at, chunk.subarray(0, Math.min(chunkBytes, size - at)));
    if (found.equals(zeros.subarray(0, found.length))) continue;
    throw new DemoFailure(`byte ${at + found.findIndex((byte) => byte !== 0)} of ${disk} is not zero`);
  }
}

/**
 * What of the image a deployment rewrites. A partition table names the end of its disk and counts its partitions;
 * the image's is of a smaller disk and without the config drive.
 */
function rewrittenRanges(table: PartitionTable, addedIndex: number): Range[] {
  const header = sectorSize;
  const entry = table.entriesLba * sectorSize + addedIndex * entrySize;
  return [
    { from: 446 + 12, to: 446 + 16 }, // protective MBR: sectors that its entry covers
    { from: header + 16, to: header + 20 }, // checksum of the header
    { from: header + 32, to: header + 40 }, // where the backup header is
    { from: header + 48, to: header + 56 }, // last usable sector
    { from: header + 88, to: header + 92 }, // checksum of the entries
    { from: entry, to: entry + entrySize }, // the entry of the config drive
  ];
}

/** Ensures that the table is the image's, stretched to this disk, and one entry more; gives that entry. */
function checkTable(
  table: PartitionTable,
  image: PartitionTable,
  diskBytes: number,
): PartitionTable['entries'][number] {
  const lastLba = diskBytes / sectorSize - 1;
  if (table.lba !== 1 || table.alternateLba !== lastLba || table.diskGuid !== image.diskGuid)
    throw new DemoFailure('the header of the partition table is not the one of the image on this disk');
  const added = table.entries.filter(({ index }) => !image.entries.some((other) => other.index === index));
  const [configDrive] = added;
  if (!configDrive || added.length > 1 || configDrive.name !== configDriveName)
    throw new DemoFailure(
      `the partition table has ${added.length} entries besides the image's: ${added.map(({ name }) => name).join(', ')}`,
    );
  const imageEnd = Math.max(...image.entries.map(({ lastLba }) => lastLba));
  if (configDrive.firstLba <= imageEnd || configDrive.lastLba > table.lastUsableLba)
    throw new DemoFailure('the partition of the config drive lies over something else');
  const backupSectors = 1 + table.entryBytes.length / sectorSize;
  if (table.lastUsableLba !== lastLba - backupSectors)
    throw new DemoFailure('the partition table does not use the disk to its end');
  return configDrive;
}

/** The backup at the disk's end says the same. */
async function checkBackup(disk: FileHandle, table: PartitionTable): Promise<void> {
  const backup = await readTable(disk, table.alternateLba);
  const isSame =
    backup.lba === table.alternateLba &&
    backup.alternateLba === table.lba &&
    backup.entriesLba > table.lastUsableLba &&
    backup.entryBytes.equals(table.entryBytes);
  if (!isSame) throw new DemoFailure('the backup of the partition table differs from it');
}

async function checkProtectiveMbr(disk: FileHandle, diskBytes: number): Promise<void> {
  const covered = (await readBytes(disk, 446 + 12, 4)).readUInt32LE();
  if (covered !== Math.min(diskBytes / sectorSize - 1, 0xffff_ffff))
    throw new DemoFailure(`the protective MBR covers ${covered} sectors, which is not the whole disk`);
}

/** Every byte of the image but those ranges, which all lie in its first chunk. */
async function compareImage(
  disk: FileHandle,
  image: FileHandle,
  imageBytes: number,
  rewritten: readonly Range[],
): Promise<void> {
  const chunks = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)] as const;
  for (let at = 0; at < imageBytes; at += chunkBytes) {
    const length = Math.min(chunkBytes, imageBytes - at);
    const [found, wanted] = await Promise.all([
      readInto(disk, at, chunks[0].subarray(0, length)),
      readInto(image, at, chunks[1].subarray(0, length)),
    ]);
    if (at === 0) for (const { from, to } of rewritten) wanted.copy(found, from, from, to);
    if (found.equals(wanted)) continue;
    const first = at + found.findIndex((byte, index) => byte !== wanted[index]);
    throw new DemoFailure(`byte ${first} of the disk is not the image's`);
  }
}

/** The ISO 9660 image in that partition has the files that were sent; gives their names. */
async function compareConfigDrive(
  disk: FileHandle,
  { from, to }: Range,
  sent: ConfigDrive,
): Promise<string[]> {
  const iso = await Iso9660Reader.open({
    read: async (offset, length) => {
      if (from + offset + length > to) throw new DemoFailure('the config drive ends behind its partition');
      return await readBytes(disk, from + offset, length);
    },
  });
  const read = async (name: string): Promise<string> => {
    const file = await iso.file(`openstack/latest/${name}`);
    if (!file) throw new DemoFailure(`the config drive has no ${name}`);
    return (await file.read(0, file.size)).toString();
  };
  const isSame = {
    'meta_data.json': sameJson(await read('meta_data.json'), sent.meta_data),
    user_data: (await read('user_data')) === sent.user_data,
    'network_data.json': sameJson(await read('network_data.json'), sent.network_data),
  };
  for (const [name, same] of Object.entries(isSame))
    if (!same) throw new DemoFailure(`${name} on the config drive is not what was sent`);
  return Object.keys(isSame);
}

/** The same value: an object's members have no order. */
function sameJson(text: string, value: unknown): boolean {
  try {
    assert.deepEqual(JSON.parse(text), value);
    return true;
  } catch {
    return false;
  }
}
