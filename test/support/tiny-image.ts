// A small image of a whole disk, for tests that deploy many times: a master boot record, and noise.
import { createHash, randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';

export interface TinyImage {
  readonly path: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

const sectorSize = 512;

/** Writes an image of that many bytes, different at every call, with one partition so that firmware boots it. */
export async function makeTinyImage(path: string, sizeBytes: number): Promise<TinyImage> {
  const bytes = randomBytes(sizeBytes);
  bytes.fill(0, 440, sectorSize);
  const entry = bytes.subarray(446, 462);
  entry[0] = 0x80; // the active partition
  entry[4] = 0x83; // of Linux
  entry.writeUInt32LE(1, 8);
  entry.writeUInt32LE(sizeBytes / sectorSize - 1, 12);
  bytes.writeUInt16LE(0xaa55, 510);
  await writeFile(path, bytes);
  return { path, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Whether the disk begins with the image, byte for byte. */
export async function holdsImage(disk: string, image: TinyImage): Promise<boolean> {
  await using file = await open(disk);
  const found = Buffer.alloc(image.bytes.length);
  await file.read(found, 0, found.length, 0);
  return found.equals(image.bytes);
}
