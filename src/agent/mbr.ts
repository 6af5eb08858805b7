// Partition tables of the master boot record: read one, add a primary partition.
import { ImageWriteFailed } from './faults.ts';
import type { OpenDisk } from './hardware.ts';

export interface MbrPartition {
  /** Slot of a primary partition, 0 to 3; null for a logical one. */
  slot: number | null;
  type: number;
  firstLba: number;
  sectors: number;
}

export interface Mbr {
  kind: 'mbr';
  sector: Buffer;
  partitions: MbrPartition[];
}

const slots = [0, 1, 2, 3];
const tableOffset = 446;
const linuxType = 0x83;
/** The entry of a GPT's protective record: a table of this kind says nothing. */
const protectiveType = 0xee;
const extendedTypes = new Set([0x05, 0x0f, 0x85]);
/** A chain of logical partitions that is longer is a loop or nonsense. */
const maximumLogical = 128;
const largestLba = 2 ** 32;
const mebibyte = 1024 ** 2;

/** The disk's table, or null when it has none. */
export async function readMbr(disk: OpenDisk): Promise<Mbr | null> {
  const sector = await readSector(disk, 0);
  if (sector === null || sector.readUInt16LE(510) !== 0xaa55) return null;
  // A file system's boot sector has the same mark and code where the table would be.
  if (slots.some((slot) => (sector.readUInt8(tableOffset + slot * 16) & 0x7f) !== 0)) return null;
  const primaries = slots
    .map((slot) => ({ slot, ...entryAt(sector, slot) }))
    .filter(({ type, sectors }) => type !== 0 && type !== protectiveType && sectors > 0);
  const extended = primaries.find(({ type }) => extendedTypes.has(type));
  const logical = extended ? await readLogical(disk, extended.firstLba) : [];
  return { kind: 'mbr', sector, partitions: [...primaries, ...logical] };
}

/**
 * Adds a primary partition of at least `size` bytes at the end of the disk, or of what an MBR can address, and
 * writes the table.
 * @throws ImageWriteFailed when all slots are taken or there is no room.
 */
export async function addPartitionAtEnd(disk: OpenDisk, mbr: Mbr, size: number): Promise<MbrPartition> {
  const slot = slots.find((candidate) => mbr.partitions.every((partition) => partition.slot !== candidate));
  if (slot === undefined)
    throw new ImageWriteFailed(
      `All four primary partitions on ${disk.name} are taken: there is none for a config drive`,
    );
  const end = Math.min(Math.floor(disk.size / disk.sectorSize), largestLba);
  const alignment = Math.max(1, mebibyte / disk.sectorSize);
  const firstLba = Math.floor((end - Math.ceil(size / disk.sectorSize)) / alignment) * alignment;
  const used = Math.max(1, ...mbr.partitions.map((partition) => partition.firstLba + partition.sectors));
  if (firstLba < used)
    throw new ImageWriteFailed(
      `There is no room for a partition of ${size} bytes at the end of ${disk.name}: ${disk.size} bytes, of which partitions reach to byte ${used * disk.sectorSize}`,
    );
  const partition = { slot, type: linuxType, firstLba, sectors: end - firstLba };
  const sector = Buffer.from(mbr.sector);
  const at = tableOffset + slot * 16;
  // Cylinders, heads and sectors as "look at the LBA instead".
  sector.set([0, 0xfe, 0xff, 0xff, linuxType, 0xfe, 0xff, 0xff], at);
  sector.writeUInt32LE(firstLba, at + 8);
  sector.writeUInt32LE(partition.sectors, at + 12);
  await disk.write(0, sector);
  await disk.flush();
  return partition;
}

async function readLogical(disk: OpenDisk, extendedLba: number): Promise<MbrPartition[]> {
  const found: MbrPartition[] = [];
  for (let lba = extendedLba; found.length < maximumLogical;) {
    const record = await readSector(disk, lba);
    if (record === null || record.readUInt16LE(510) !== 0xaa55) break;
    const own = entryAt(record, 0);
    if (own.sectors > 0) found.push({ slot: null, ...own, firstLba: lba + own.firstLba });
    const next = entryAt(record, 1);
    if (next.sectors === 0 || extendedLba + next.firstLba <= lba) break;
    lba = extendedLba + next.firstLba;
  }
  return found;
}

function entryAt(sector: Buffer, slot: number) {
  const at = tableOffset + slot * 16;
  return {
    type: sector.readUInt8(at + 4),
    firstLba: sector.readUInt32LE(at + 8),
    sectors: sector.readUInt32LE(at + 12),
  };
}

async function readSector(disk: OpenDisk, lba: number): Promise<Buffer | null> {
  if ((lba + 1) * disk.sectorSize > disk.size) return null;
  const sector = Buffer.alloc(disk.sectorSize);
  await disk.read(lba * disk.sectorSize, sector);
  return sector;
}
