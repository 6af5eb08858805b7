// Erasing disks: what marks their content, or all of it.
import { messageOf } from '#model/message.ts';
import { EraseFailed } from './faults.ts';
import type { Disk, OpenDisk } from './hardware.ts';
import type { Log } from './log.ts';
import { partitionExtents, readPartitionTable } from './partition-table.ts';
import type { Extent } from './partition-table.ts';
import { progressOf } from './progress.ts';
import type { ReportProgress } from './progress.ts';

export interface EraseSettings {
  /** Whether a disk that takes no writes is left as it is, or its content is a failure: it would be the next owner's. */
  skipsReadOnly: boolean;
  report: ReportProgress;
  log: Log;
  signal: AbortSignal;
}

const chunkSize = 1024 * 1024;
const flushEvery = 256 * chunkSize;
const zeros = Buffer.alloc(chunkSize);

/**
 * Erases the disks one after the other by `erase`, all of them even when one fails.
 * @throws EraseFailed naming each disk that could not be erased.
 */
export async function eraseEach(
  disks: Disk[],
  settings: EraseSettings,
  erase: (disk: Disk, settings: EraseSettings) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  for (const disk of disks) {
    const { name } = disk.facts;
    if (disk.isReadOnly) {
      settings.log.warning(`${name} takes no writes: not erased`);
      if (!settings.skipsReadOnly) failures.push(`${name}: it takes no writes`);
      continue;
    }
    try {
      await erase(disk, settings);
      settings.log.info(`${name} erased`);
    } catch (error) {
      settings.signal.throwIfAborted();
      settings.log.error(`${name} could not be erased`, error);
      failures.push(`${name}: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) throw new EraseFailed(`Could not erase ${failures.join('; ')}`);
}

/**
 * Ensures that no partition table, file system or volume is recognised any more: clears the first and last mebibyte
 * of every partition and of the disk. May be repeated.
 */
export async function eraseMetadata(disk: Disk, settings: EraseSettings): Promise<void> {
  await using open = await disk.open('write');
  const whole = { offset: 0, size: open.size };
  // The disk itself goes last: as long as its table is there, a repetition finds the partitions again.
  const extents = [...(await knownPartitions(open, settings.log)), whole];
  for (const [done, extent] of extents.entries()) {
    settings.signal.throwIfAborted();
    const length = Math.min(chunkSize, extent.size);
    await open.write(extent.offset, zeros.subarray(0, length));
    await open.write(extent.offset + extent.size - length, zeros.subarray(0, length));
    settings.report(
      progressOf('erase', open.name, (done + 1) * 2 * chunkSize, extents.length * 2 * chunkSize),
    );
  }
  await open.flush();
  await open.rereadPartitions();
}

/**
 * Ensures that every byte of the disk reads as zero: by giving all of it back to the device where it can take it and
 * then reads as zeros, by overwriting else. May be repeated.
 */
export async function eraseWhole(disk: Disk, settings: EraseSettings): Promise<void> {
  const { name, size } = disk.facts;
  if (await discardWhole(disk, settings.log)) {
    settings.report(progressOf('erase', name, size, size));
    return;
  }
  await using open = await disk.open('write');
  if (await overwriteContent(open, settings)) await verifyZeros(open, settings);
  await open.rereadPartitions();
}

/** Erases as fast as the device can: all of it if it takes it back, else only what marks the content. */
export async function eraseExpress(disk: Disk, settings: EraseSettings): Promise<void> {
  await discardWhole(disk, settings.log);
  await eraseMetadata(disk, settings);
}

/** Gives the content back where the device can; whether it now certainly reads as zeros. */
async function discardWhole(disk: Disk, log: Log): Promise<boolean> {
  if (!disk.discard) return false;
  try {
    return (await disk.discard()) === 'zeroed';
  } catch (error) {
    log.warning(`${disk.facts.name} cannot be discarded`, error);
    return false;
  }
}

/** Reads the whole disk and writes zeros over what is not zero; whether there was anything. */
async function overwriteContent(disk: OpenDisk, { report, signal }: EraseSettings): Promise<boolean> {
  const chunk = Buffer.allocUnsafe(chunkSize);
  let overwritten = 0;
  let unflushed = 0;
  for (let offset = 0; offset < disk.size; offset += chunkSize) {
    signal.throwIfAborted();
    const part = chunk.subarray(0, Math.min(chunkSize, disk.size - offset));
    await disk.read(offset, part);
    if (!isZero(part)) {
      await disk.write(offset, zeros.subarray(0, part.length));
      overwritten += part.length;
      unflushed += part.length;
    }
    if (unflushed >= flushEvery) {
      await disk.flush();
      unflushed = 0;
    }
    report(progressOf('erase', disk.name, offset + part.length, disk.size));
  }
  await disk.flush();
  return overwritten > 0;
}

async function verifyZeros(disk: OpenDisk, { report, signal }: EraseSettings) {
  const chunk = Buffer.allocUnsafe(chunkSize);
  for (let offset = 0; offset < disk.size; offset += chunkSize) {
    signal.throwIfAborted();
    const part = chunk.subarray(0, Math.min(chunkSize, disk.size - offset));
    await disk.read(offset, part);
    if (!isZero(part))
      throw new EraseFailed(`${disk.name} still has content at byte ${offset} after it was erased`);
    report(progressOf('verify', disk.name, offset + part.length, disk.size));
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(bytes.length === chunkSize ? zeros : zeros.subarray(0, bytes.length));
}

/** The partitions the disk's table names, as far as they lie on the disk; a damaged table names none. */
async function knownPartitions(disk: OpenDisk, log: Log): Promise<Extent[]> {
  try {
    const table = await readPartitionTable(disk);
    return table === null
      ? []
      : partitionExtents(disk, table).filter(({ offset, size }) => offset + size <= disk.size);
  } catch (error) {
    log.warning(`${disk.name}: the partition table is not read`, error);
    return [];
  }
}
