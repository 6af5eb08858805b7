// The partition table of a disk, of whichever kind, and the one partition an agent adds to it.
import { ImageWriteFailed } from './faults.ts';
import { readGpt, withPartitionAtEnd, writeGpt } from './gpt.ts';
import type { Gpt } from './gpt.ts';
import type { OpenDisk } from './hardware.ts';
import { addPartitionAtEnd, readMbr } from './mbr.ts';
import type { Mbr } from './mbr.ts';

export type PartitionTable = Gpt | Mbr;

/** A stretch of a disk, in bytes. */
export interface Extent {
  offset: number;
  size: number;
}

const configDriveLabel = 'config-2';

/** The disk's partition table, or null. @throws ImageWriteFailed for one that is damaged. */
export async function readPartitionTable(disk: OpenDisk): Promise<PartitionTable | null> {
  return (await readGpt(disk)) ?? (await readMbr(disk));
}

/**
 * Ensures that the image left a table with partitions, and that a GPT's backup lies where this disk ends. May be
 * repeated.
 * @throws ImageWriteFailed when there is no table, or it is empty or damaged.
 */
export async function settlePartitionTable(disk: OpenDisk): Promise<PartitionTable> {
  const table = await readPartitionTable(disk);
  if (table === null || table.partitions.length === 0)
    throw new ImageWriteFailed(`The image left no partition on ${disk.name}: it is not a whole-disk image`);
  if (table.kind === 'gpt') await writeGpt(disk, table);
  await disk.rereadPartitions();
  return table;
}

/** Where the partitions lie, in the order of the table. */
export function partitionExtents(disk: OpenDisk, table: PartitionTable): Extent[] {
  switch (table.kind) {
    case 'gpt':
      return table.partitions.map(({ firstLba, lastLba }) => extent(disk, firstLba, lastLba + 1 - firstLba));
    case 'mbr':
      return table.partitions.map(({ firstLba, sectors }) => extent(disk, firstLba, sectors));
  }
}

/**
 * The config drive's partition: the one the image brought, known by the name or by the label of its file system, or
 * else a new one of `size` bytes at the end of the disk. May be repeated.
 * @throws ImageWriteFailed when there are several, or no room for one.
 */
export async function ensureConfigDrivePartition(
  disk: OpenDisk,
  table: PartitionTable,
  size: number,
): Promise<Extent> {
  const existing = await configDrivePartitions(disk, table);
  if (existing.length > 1)
    throw new ImageWriteFailed(`${disk.name} has ${existing.length} partitions labelled ${configDriveLabel}`);
  if (existing[0]) return existing[0];
  if (table.kind === 'mbr') {
    const { firstLba, sectors } = await addPartitionAtEnd(disk, table, size);
    await disk.rereadPartitions();
    return extent(disk, firstLba, sectors);
  }
  const { gpt, partition } = withPartitionAtEnd(disk, table, { size, name: configDriveLabel });
  await writeGpt(disk, gpt);
  await disk.rereadPartitions();
  return extent(disk, partition.firstLba, partition.lastLba + 1 - partition.firstLba);
}

async function configDrivePartitions(disk: OpenDisk, table: PartitionTable): Promise<Extent[]> {
  const extents = partitionExtents(disk, table);
  const found: Extent[] = [];
  for (const [at, candidate] of extents.entries()) {
    const name = table.kind === 'gpt' ? table.partitions[at]?.name : undefined;
    const labels = [name, ...(await fileSystemLabels(disk, candidate))];
    if (labels.some((label) => label?.toLowerCase() === configDriveLabel)) found.push(candidate);
  }
  return found;
}

/** What the file systems that can hold a config drive would call themselves: ISO 9660, FAT, ext2 and its heirs. */
async function fileSystemLabels(disk: OpenDisk, { offset, size }: Extent): Promise<string[]> {
  const head = Buffer.alloc(Math.min(size, 36 * 1024));
  if (head.length < 36 * 1024) return [];
  await disk.read(offset, head);
  const text = (from: number, length: number) =>
    head
      .toString('latin1', from, from + length)
      .split('\0', 1)[0]
      ?.trim() ?? '';
  const labels: string[] = [];
  if (text(32_769, 5) === 'CD001') labels.push(text(32_808, 32));
  if (text(54, 3) === 'FAT') labels.push(text(43, 11));
  if (text(82, 5) === 'FAT32') labels.push(text(71, 11));
  if (head.readUInt16LE(1080) === 0xef53) labels.push(text(1144, 16));
  return labels;
}

function extent(disk: OpenDisk, firstLba: number, sectors: number): Extent {
  return { offset: firstLba * disk.sectorSize, size: sectors * disk.sectorSize };
}
