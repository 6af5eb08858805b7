// An image has its tree twice: the primary one with Rock Ridge, and Joliet's. Here is what differs between the two,
// and how either writes its directories.
import * as records from './records.ts';
import { sectorSize } from './records.ts';
import { sortedBy, type IsoDirectory, type IsoEntry } from './tree.ts';

/** Where an extent begins and how many bytes it has. */
export interface Place {
  sector: number;
  size: number;
}

type Places = (entry: IsoEntry) => Place;

export interface NameSpace {
  readonly kind: 'primary' | 'joliet';
  /** By level, then parent, then name, which is the order of the path table (ECMA-119 §6.9.1). */
  readonly directories: readonly IsoDirectory[];
  /** The extent of one directory. Its length does not depend on the places. */
  encode(directory: IsoDirectory, places: Places): Buffer;
  rootRecord(places: Places): Buffer;
  pathTable(order: 'little' | 'big', places: Places): Buffer;
}

interface Spelling {
  kind: NameSpace['kind'];
  identifier(entry: IsoEntry): Buffer;
  sortKey(entry: IsoEntry): string;
  /** `name` is null for `.` and `..`. */
  systemUse(entry: IsoEntry, name: string | null): Buffer;
  /** What stands first in the root's own record. */
  rootPrefix: Buffer;
}

/** ECMA-119 has 32 bits for the length of an extent; a larger file is several extents that end on whole sectors. */
const maxExtentSize = 2 ** 32 - sectorSize;

/** The primary tree; `extension` is where the record stands that announces Rock Ridge. */
export function primaryNames(root: IsoDirectory, date: Buffer, extension: Place): NameSpace {
  return nameSpace(root, date, {
    kind: 'primary',
    identifier: (entry) => Buffer.from(entry.primaryName + (entry.kind === 'file' ? ';1' : '')),
    // ECMA-119 §9.3: the name, then the extension, each as if filled up with spaces.
    sortKey: ({ primaryName }) => {
      const [stem = '', ending = ''] = primaryName.split('.');
      return stem.padEnd(32) + ending.padEnd(32);
    },
    systemUse: (entry, name) =>
      records.rockRidge({ name, isDirectory: entry.kind === 'directory', links: linksOf(entry), date }),
    rootPrefix: records.systemUseStart(extension),
  });
}

export function jolietNames(root: IsoDirectory, date: Buffer): NameSpace {
  return nameSpace(root, date, {
    kind: 'joliet',
    identifier: (entry) => records.ucs2(entry.name + (entry.kind === 'file' ? ';1' : '')),
    sortKey: (entry) => entry.name,
    systemUse: () => Buffer.alloc(0),
    rootPrefix: Buffer.alloc(0),
  });
}

function linksOf(entry: IsoEntry): number {
  if (entry.kind === 'file') return 1;
  return 2 + [...entry.children.values()].filter(({ kind }) => kind === 'directory').length;
}

function nameSpace(root: IsoDirectory, date: Buffer, spelling: Spelling): NameSpace {
  const sorted = (directory: IsoDirectory): IsoEntry[] =>
    sortedBy([...directory.children.values()], (entry) => spelling.sortKey(entry));
  const directories = [root];
  for (const directory of directories) {
    directories.push(...sorted(directory).filter((entry) => entry.kind === 'directory'));
  }

  const record = (
    identifier: Uint8Array,
    { sector, size }: Place,
    entry: IsoEntry,
    name: string | null,
    prefix: Buffer = Buffer.alloc(0),
  ): Buffer[] =>
    extentsOf(sector, size).map((extent) =>
      records.directoryRecord({
        ...extent,
        identifier,
        isDirectory: entry.kind === 'directory',
        date,
        systemUse: Buffer.concat([prefix, spelling.systemUse(entry, name)]),
      }),
    );

  const encode = (directory: IsoDirectory, places: Places): Buffer => {
    const parent = directory.parent ?? directory;
    const prefix = directory === root ? spelling.rootPrefix : Buffer.alloc(0);
    return records.packIntoSectors([
      ...record(Buffer.from([0]), places(directory), directory, null, prefix),
      ...record(Buffer.from([1]), places(parent), parent, null),
      ...sorted(directory).flatMap((entry) =>
        record(spelling.identifier(entry), places(entry), entry, entry.name),
      ),
    ]);
  };

  const rootRecord = (places: Places): Buffer =>
    records.directoryRecord({
      identifier: Buffer.from([0]),
      extent: places(root).sector,
      size: places(root).size,
      isDirectory: true,
      isContinued: false,
      date,
      systemUse: Buffer.alloc(0),
    });

  const pathTable = (order: 'little' | 'big', places: Places): Buffer => {
    const numbers = new Map(directories.map((directory, index) => [directory, index + 1]));
    const rows = directories.map((directory) => ({
      identifier: directory === root ? Buffer.from([0]) : spelling.identifier(directory),
      extent: places(directory).sector,
      parent: numbers.get(directory.parent ?? root) ?? 1,
    }));
    return records.pathTable(rows, order);
  };

  return { kind: spelling.kind, directories, encode, rootRecord, pathTable };
}

function extentsOf(sector: number, size: number): { extent: number; size: number; isContinued: boolean }[] {
  const count = Math.max(1, Math.ceil(size / maxExtentSize));
  return Array.from({ length: count }, (_, index) => ({
    extent: sector + (index * maxExtentSize) / sectorSize,
    size: Math.min(maxExtentSize, size - index * maxExtentSize),
    isContinued: index < count - 1,
  }));
}
