// The records of ECMA-119 (ISO 9660), of Joliet and of Rock Ridge (RRIP 1.09 over SUSP 1.12), as bytes.
import { IsoInputInvalid } from './errors.ts';

export const sectorSize = 2048;

/** Sectors that `bytes` need. */
export function sectorsOf(bytes: number): number {
  return Math.ceil(bytes / sectorSize);
}

/** §7.3.3: a number in both byte orders. */
function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}

function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}

/** Joliet's identifiers: UCS-2, big end first. */
export function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/** §9.1.5, in UTC. */
export function recordDate(date: Date): Buffer {
  const year = date.getUTCFullYear() - 1900;
  if (!(year >= 0 && year <= 255))
    throw new IsoInputInvalid('an ISO image holds dates from 1900 to 2155 only');
  return Buffer.from([
    year,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0,
  ]);
}

/** §8.4.26.1, in UTC. */
function volumeDate(date: Date | null): Buffer {
  const digits =
    date === null ? '0'.repeat(16) : `${date.toISOString().replaceAll(/\D/g, '').slice(0, 14)}00`;
  return Buffer.from(`${digits}\0`, 'latin1');
}

interface DirectoryRecord {
  identifier: Uint8Array;
  extent: number;
  size: number;
  isDirectory: boolean;
  /** §9.1.6 bit 7: another record goes on with the same file. */
  isContinued: boolean;
  date: Buffer;
  systemUse: Uint8Array;
}

/** §9.1. */
export function directoryRecord(record: DirectoryRecord): Buffer {
  const { identifier, systemUse } = record;
  const padding = identifier.length % 2 === 0 ? 1 : 0;
  const length = 33 + identifier.length + padding + systemUse.length;
  const bytes = Buffer.concat([
    Buffer.from([length + (length % 2), 0]),
    both32(record.extent),
    both32(record.size),
    record.date,
    Buffer.from([(record.isDirectory ? 0x02 : 0) | (record.isContinued ? 0x80 : 0), 0, 0]),
    both16(1),
    Buffer.from([identifier.length]),
    identifier,
    Buffer.alloc(padding),
    systemUse,
    Buffer.alloc(length % 2),
  ]);
  return bytes;
}

/** §6.8.1.1: no record crosses the end of a sector. */
export function packIntoSectors(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (const record of records) {
    const left = sectorSize - (length % sectorSize);
    if (record.length > left) {
      parts.push(Buffer.alloc(left));
      length += left;
    }
    parts.push(record);
    length += record.length;
  }
  parts.push(Buffer.alloc(sectorsOf(length) * sectorSize - length));
  return Buffer.concat(parts);
}

/** §9.4: the same rows for little- and big-endian readers. `parent` counts from 1, the root being its own. */
export function pathTable(
  rows: readonly { identifier: Uint8Array; extent: number; parent: number }[],
  order: 'little' | 'big',
): Buffer {
  return Buffer.concat(
    rows.map(({ identifier, extent, parent }) => {
      const bytes = Buffer.alloc(8 + identifier.length + (identifier.length % 2));
      bytes[0] = identifier.length;
      if (order === 'little') {
        bytes.writeUInt32LE(extent, 2);
        bytes.writeUInt16LE(parent, 6);
      } else {
        bytes.writeUInt32BE(extent, 2);
        bytes.writeUInt16BE(parent, 6);
      }
      bytes.set(identifier, 8);
      return bytes;
    }),
  );
}

export interface VolumeDescriptor {
  kind: 'primary' | 'joliet';
  label: string;
  sectors: number;
  pathTable: { size: number; little: number; big: number };
  rootRecord: Buffer;
  modifiedAt: Date;
}

/** §8.4 and, for Joliet, §8.5 with the escape sequence of UCS-2 level 3. */
export function volumeDescriptor(volume: VolumeDescriptor): Buffer {
  const isJoliet = volume.kind === 'joliet';
  const text = (value: string, length: number): Buffer => {
    const blank = isJoliet ? ucs2(' '.repeat(Math.floor(length / 2))) : Buffer.alloc(length, ' ');
    const bytes = Buffer.concat([blank, Buffer.alloc(length - blank.length)]);
    (isJoliet ? ucs2(value) : Buffer.from(value, 'latin1')).copy(bytes);
    return bytes;
  };
  const bytes = Buffer.concat([
    Buffer.from([isJoliet ? 2 : 1]),
    Buffer.from('CD001\u0001\0', 'latin1'),
    text('', 32),
    // A Joliet label has room for 16 characters; the primary one keeps the whole.
    text(isJoliet ? volume.label.slice(0, 16) : volume.label, 32),
    Buffer.alloc(8),
    both32(volume.sectors),
    Buffer.concat([Buffer.from(isJoliet ? '%/E' : '', 'latin1'), Buffer.alloc(32)], 32),
    both16(1),
    both16(1),
    both16(sectorSize),
    both32(volume.pathTable.size),
    pointers(volume.pathTable.little, volume.pathTable.big),
    volume.rootRecord,
    text('', 128),
    text('', 128),
    text('', 128),
    text('INGOT', 128),
    text('', 37),
    text('', 37),
    text('', 37),
    volumeDate(volume.modifiedAt),
    volumeDate(volume.modifiedAt),
    volumeDate(null),
    volumeDate(null),
    Buffer.from([1, 0]),
  ]);
  return Buffer.concat([bytes], sectorSize);
}

/** Where the two path tables are, each in its own byte order, with no second copies. */
function pointers(little: number, big: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(little, 0);
  bytes.writeUInt32BE(big, 8);
  return bytes;
}

/** §8.3. */
export function terminator(): Buffer {
  return Buffer.concat([Buffer.from('\u00FFCD001\u0001', 'latin1')], sectorSize);
}

function systemUseEntry(signature: string, ...data: Uint8Array[]): Buffer {
  const body = Buffer.concat(data);
  return Buffer.concat([Buffer.from(signature, 'latin1'), Buffer.from([body.length + 4, 1]), body]);
}

/** What Rock Ridge says about one entry: which fields follow, its mode, its time and, unless `.` or `..`, its name. */
export function rockRidge(entry: {
  name: string | null;
  isDirectory: boolean;
  links: number;
  date: Buffer;
}): Buffer {
  const { name, isDirectory, links, date } = entry;
  return Buffer.concat([
    systemUseEntry('RR', Buffer.from([name === null ? 0x81 : 0x89])),
    systemUseEntry('PX', both32(isDirectory ? 0o040_555 : 0o100_444), both32(links), both32(0), both32(0)),
    systemUseEntry('TF', Buffer.from([0x02]), date),
    ...(name === null ? [] : [systemUseEntry('NM', Buffer.from([0]), Buffer.from(name))]),
  ]);
}

/** The first entry of the root's own record: SUSP is in use, and what is said about it stands in another sector. */
export function systemUseStart(continuation: { sector: number; size: number }): Buffer {
  return Buffer.concat([
    systemUseEntry('SP', Buffer.from([0xbe, 0xef, 0])),
    systemUseEntry('CE', both32(continuation.sector), both32(0), both32(continuation.size)),
  ]);
}

/** RRIP §4.3: the texts are the specification's. */
export function rockRidgeExtension(): Buffer {
  const identifier = Buffer.from('RRIP_1991A');
  const descriptor = Buffer.from(
    'THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS',
  );
  const source = Buffer.from(
    'PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION.',
  );
  return systemUseEntry(
    'ER',
    Buffer.from([identifier.length, descriptor.length, source.length, 1]),
    identifier,
    descriptor,
    source,
  );
}
