// A simulated machine's disk: a sparse file whose length is the disk's size.
import { open, stat } from 'node:fs/promises';

/** Ensures a file of exactly that length; one that stands there keeps its bytes. Repeatable. */
export async function ensureDiskFile(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'a');
  await file.truncate(sizeBytes);
}

/** Bytes of the file that take room, which a sparse file's holes do not. */
export async function allocatedBytes(path: string): Promise<number> {
  return (await stat(path)).blocks * 512;
}

/** Whether firmware would find a GPT, or an MBR with a partition in it. */
export async function holdsPartitionTable(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8192), 0, 8192, 0);
  if (bytesRead < 8192) return false;
  // The GPT header stands in the second sector, of 512 or of 4096 bytes (UEFI 2.10, 5.3.2).
  if ([512, 4096].some((offset) => buffer.toString('latin1', offset, offset + 8) === 'EFI PART')) return true;
  const hasSignature = buffer[510] === 0x55 && buffer[511] === 0xaa;
  return hasSignature && [450, 466, 482, 498].some((type) => buffer[type] !== 0);
}
