// Disk images for tests, laid out by the letter of the UEFI specification and apart from the code under test.
import { createHash, randomBytes } from 'node:crypto';

/** A CRC-32 of our own, bit by bit, so that the tables are not checked by what made them. */
export function slowCrc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** A GPT image of `size` bytes with random content in one partition (or the ones given, in sectors). */
export function aGptImage({
  size = 4 * 1024 ** 2,
  sectorSize = 512,
  partitions = [{ first: 2048, last: 4095, name: 'root' }],
}: {
  size?: number;
  sectorSize?: number;
  partitions?: { first: number; last: number; name: string }[];
} = {}): Buffer {
  const image = randomBytes(size);
  const sectors = size / sectorSize;
  const entrySectors = (128 * 128) / sectorSize;
  const entries = Buffer.alloc(128 * 128);
  for (const [at, { first, last, name }] of partitions.entries()) {
    const entry = entries.subarray(at * 128, at * 128 + 128);
    Buffer.from('af3dc60f838472478e793d69d8477de4', 'hex').copy(entry);
    randomBytes(16).copy(entry, 16);
    entry.writeBigUInt64LE(BigInt(first), 32);
    entry.writeBigUInt64LE(BigInt(last), 40);
    entry.write(name, 56, 'utf16le');
  }
  const header = (own: number, other: number, entriesLba: number) => {
    const block = Buffer.alloc(sectorSize);
    block.write('EFI PART');
    block.writeUInt32LE(0x10000, 8);
    block.writeUInt32LE(92, 12);
    block.writeBigUInt64LE(BigInt(own), 24);
    block.writeBigUInt64LE(BigInt(other), 32);
    block.writeBigUInt64LE(BigInt(2 + entrySectors), 40);
    block.writeBigUInt64LE(BigInt(sectors - entrySectors - 2), 48);
    block.write('0123456789abcdef', 56);
    block.writeBigUInt64LE(BigInt(entriesLba), 72);
    block.writeUInt32LE(128, 80);
    block.writeUInt32LE(128, 84);
    block.writeUInt32LE(slowCrc32(entries), 88);
    block.writeUInt32LE(slowCrc32(block.subarray(0, 92)), 16);
    return block;
  };
  const protective = Buffer.alloc(sectorSize);
  protective.writeUInt32LE(0x1234_abcd, 440);
  protective.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff], 446);
  protective.writeUInt32LE(1, 454);
  protective.writeUInt32LE(sectors - 1, 458);
  protective.writeUInt16LE(0xaa55, 510);
  protective.copy(image, 0);
  header(1, sectors - 1, 2).copy(image, sectorSize);
  entries.copy(image, 2 * sectorSize);
  entries.copy(image, (sectors - 1 - entrySectors) * sectorSize);
  header(sectors - 1, 1, sectors - 1 - entrySectors).copy(image, (sectors - 1) * sectorSize);
  return image;
}

/** An MBR image with primary partitions of a mebibyte each. */
export function anMbrImage(partitions = 1, size = 8 * 1024 ** 2): Buffer {
  const image = randomBytes(size);
  image.fill(0, 440, 510);
  image.writeUInt16LE(0xaa55, 510);
  for (let at = 0; at < partitions; at++) {
    image.writeUInt8(0x83, 446 + at * 16 + 4);
    image.writeUInt32LE(2048 * (at + 1), 446 + at * 16 + 8);
    image.writeUInt32LE(2048, 446 + at * 16 + 12);
  }
  return image;
}

/** What looks like an ISO 9660 file system with this label. */
export function anIso(label = 'config-2', size = 400 * 1024): Buffer {
  const iso = randomBytes(size);
  iso.fill(0, 0, 32_768);
  iso.write('\u0001CD001\u0001', 32_768, 'latin1');
  iso.write(label.padEnd(32), 32_808, 'latin1');
  return iso;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
