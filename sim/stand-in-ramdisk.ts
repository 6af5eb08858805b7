// The kernel and ramdisk that process machines boot. Their firmware reads them through the virtual media like any
// other, but runs the agent as a process instead of executing them, so their bytes do not matter.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface StandInRamdisk {
  kernel: string;
  ramdisk: string;
}

const mebibyte = 1024 * 1024;

/** Ensures that both files are in the folder; gives their paths. May be repeated: the bytes are always the same. */
export async function writeStandInRamdisk(folder: string): Promise<StandInRamdisk> {
  await mkdir(folder, { recursive: true });
  const files = { kernel: join(folder, 'vmlinuz'), ramdisk: join(folder, 'initrd') };
  await writeFile(files.kernel, filler('kernel', mebibyte));
  await writeFile(files.ramdisk, filler('ramdisk', 4 * mebibyte));
  return files;
}

function filler(name: string, size: number): Buffer {
  const block = createHash('sha512').update(`stand-in ${name}`).digest();
  return Buffer.alloc(size, block);
}
