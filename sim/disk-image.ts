// Makes an image of a whole disk to deploy: a GUID partition table (UEFI 2.10 §5.3) and two partitions full of noise.
import { createCipheriv, createHash, randomBytes, type Cipheriv } from 'node:crypto';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

export interface DiskImage {
  path: string;
  sizeBytes: number;
  sha256: string;
}

interface Partition {
  type: Buffer;
  name: string;
  firstLba: number;
  /** Included. */
  lastLba: number;
}

const sectorSize = 512;
const mebibyte = 1024 ** 2;
const chunkBytes = 4 * mebibyte;
const entryCount = 128;
const entrySize = 128;
const tableSectors = (entryCount * entrySize) / sectorSize;
const smallestBytes = 64 * mebibyte;

/** Types of partitions, as a GUID lies on a disk: its first three fields little-endian. */
const efiSystem = guidBytes('c12a7328-f81f-11d2-ba4b-00a0c93ec93b');
const linuxRootX8664 = guidBytes('4f68bce3-e8cd-4db1-96e7-fbcaf984b709');

/**
 * Ensures that the file is an image of `sizeBytes` (whole mebibytes, at least 64): nothing in its partitions can be
 * started, but no two images are the same, unless they have the same seed of 48 bytes. Its digest is taken while
 * it is written. May be repeated.
 */
export async function makeDiskImage(
  path: string,
  { sizeBytes, seed = randomBytes(48) }: { sizeBytes: number; seed?: Buffer },
): Promise<DiskImage> {
  if (sizeBytes % mebibyte !== 0 || sizeBytes < smallestBytes)
    throw new RangeError(`A disk image has whole mebibytes, at least 64, not ${sizeBytes} bytes`);
  const noise = createCipheriv('aes-256-ctr', seed.subarray(0, 32), seed.subarray(32));
  const { head, tail } = partitionTable(sizeBytes / sectorSize, noise);
  const hash = createHash('sha256');
  await using file = await open(path, 'w');
  const put = async (bytes: Buffer): Promise<void> => {
    hash.update(bytes);
    await file.writeFile(bytes);
  };
  await put(head);
  const zeros = Buffer.alloc(chunkBytes);
  for (let left = sizeBytes - head.length - tail.length; left > 0; left -= chunkBytes)
    await put(noise.update(zeros.subarray(0, Math.min(left, chunkBytes))));
  await put(tail);
  return { path, sizeBytes, sha256: hash.digest('hex') };
}

/** The first and the last mebibyte of the disk: the table, and its copy at the end. */
function partitionTable(sectors: number, noise: Cipheriv): { head: Buffer; tail: Buffer } {
  const first = mebibyte / sectorSize;
  const split = first + (32 * mebibyte) / sectorSize;
  const entries = entriesOf(
    [
      { type: efiSystem, name: 'EFI system', firstLba: first, lastLba: split - 1 },
      { type: linuxRootX8664, name: 'root', firstLba: split, lastLba: sectors - first - 1 },
    ],
    noise,
  );
  const diskGuid = randomGuid(noise);
  const last = sectors - 1;
  const headerAt = (lba: number, alternate: number, entriesLba: number): Buffer =>
    header({ lba, alternate, entriesLba, lastUsable: last - tableSectors - 1, diskGuid, entries });

  const head = Buffer.alloc(mebibyte);
  protectiveMbr(sectors).copy(head);
  headerAt(1, last, 2).copy(head, sectorSize);
  entries.copy(head, 2 * sectorSize);
  const tail = Buffer.alloc(mebibyte);
  entries.copy(tail, mebibyte - (tableSectors + 1) * sectorSize);
  headerAt(last, 1, last - tableSectors).copy(tail, mebibyte - sectorSize);
  return { head, tail };
}

interface Header {
  lba: number;
  alternate: number;
  entriesLba: number;
  lastUsable: number;
  diskGuid: Buffer;
  entries: Buffer;
}

/** UEFI 2.10, table 5-5. */
function header({ lba, alternate, entriesLba, lastUsable, diskGuid, entries }: Header): Buffer {
  const bytes = Buffer.alloc(92);
  bytes.write('EFI PART', 0, 'latin1');
  bytes.writeUInt32LE(0x0001_0000, 8);
  bytes.writeUInt32LE(bytes.length, 12);
  bytes.writeBigUInt64LE(BigInt(lba), 24);
  bytes.writeBigUInt64LE(BigInt(alternate), 32);
  bytes.writeBigUInt64LE(BigInt(2 + tableSectors), 40);
  bytes.writeBigUInt64LE(BigInt(lastUsable), 48);
  diskGuid.copy(bytes, 56);
  bytes.writeBigUInt64LE(BigInt(entriesLba), 72);
  bytes.writeUInt32LE(entryCount, 80);
  bytes.writeUInt32LE(entrySize, 84);
  bytes.writeUInt32LE(crc32(entries), 88);
  // Last, and over itself as zero.
  bytes.writeUInt32LE(crc32(bytes), 16);
  return bytes;
}

/** UEFI 2.10, table 5-6. */
function entriesOf(partitions: readonly Partition[], noise: Cipheriv): Buffer {
  const bytes = Buffer.alloc(entryCount * entrySize);
  for (const [index, { type, name, firstLba, lastLba }] of partitions.entries()) {
    const entry = bytes.subarray(index * entrySize, (index + 1) * entrySize);
    type.copy(entry);
    randomGuid(noise).copy(entry, 16);
    entry.writeBigUInt64LE(BigInt(firstLba), 32);
    entry.writeBigUInt64LE(BigInt(lastLba), 40);
    entry.write(name, 56, 72, 'utf16le');
  }
  return bytes;
}

/** One entry of type EE over the whole disk, so that programs that know no GPT see no room on it. */
function protectiveMbr(sectors: number): Buffer {
  const bytes = Buffer.alloc(sectorSize);
  bytes.set([0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff], 446);
  bytes.writeUInt32LE(1, 454);
  bytes.writeUInt32LE(Math.min(sectors - 1, 0xffff_ffff), 458);
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

function randomGuid(noise: Cipheriv): Buffer {
  const guid = noise.update(Buffer.alloc(16));
  guid.writeUInt8((guid.readUInt8(7) & 0x0f) | 0x40, 7);
  guid.writeUInt8((guid.readUInt8(8) & 0x3f) | 0x80, 8);
  return guid;
}

function guidBytes(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
