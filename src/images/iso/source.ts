// Where the bytes of a file in an image come from: a shared base file, or a few bytes in memory.
import { stat } from 'node:fs/promises';

/** Files are not read before they are asked for; `version` tells apart contents of one path for the ETag. */
export type IsoSource =
  | { kind: 'file'; path: string; size: number; version?: string }
  | { kind: 'bytes'; bytes: Uint8Array };

/** A base file as it is now: its size, and a version that changes when it is written or replaced. */
export async function fileSource(path: string): Promise<IsoSource> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return { kind: 'file', path, size: Number(size), version: `${ino}-${mtimeNs}` };
}

export function sourceSize(source: IsoSource): number {
  return source.kind === 'file' ? source.size : source.bytes.length;
}
