// El Torito 1.0: what firmware reads to boot from the image. No emulation; platform 0xEF is UEFI (UEFI §13.3.2.1).
import { sectorSize } from './records.ts';

export interface BootEntry {
  platform: 'bios' | 'efi';
  sector: number;
  size: number;
}

const platformIds = { bios: 0x00, efi: 0xef } as const;

/** The boot record volume descriptor, in sector 17. */
export function bootRecord(catalogueSector: number): Buffer {
  const bytes = Buffer.alloc(sectorSize);
  bytes.write('\0CD001\u0001EL TORITO SPECIFICATION', 'latin1');
  bytes.writeUInt32LE(catalogueSector, 0x47);
  return bytes;
}

/** One sector: the first entry is the default, each other stands in a section of its own platform. */
export function bootCatalogue([first, ...others]: readonly [BootEntry, ...BootEntry[]]): Buffer {
  const sections = others.map((entry, index) => {
    const header = Buffer.alloc(32);
    header[0] = index === others.length - 1 ? 0x91 : 0x90;
    header[1] = platformIds[entry.platform];
    header.writeUInt16LE(1, 2);
    return Buffer.concat([header, bootEntry(entry)]);
  });
  return Buffer.concat([validationEntry(first), bootEntry(first), ...sections], sectorSize);
}

function validationEntry({ platform }: BootEntry): Buffer {
  const bytes = Buffer.alloc(32);
  bytes[0] = 1;
  bytes[1] = platformIds[platform];
  bytes.write('INGOT', 4, 'latin1');
  bytes.writeUInt16LE(0xaa55, 30);
  let sum = 0;
  for (let at = 0; at < 32; at += 2) sum += bytes.readUInt16LE(at);
  bytes.writeUInt16LE(-sum & 0xffff, 28);
  return bytes;
}

function bootEntry({ platform, sector, size }: BootEntry): Buffer {
  const bytes = Buffer.alloc(32);
  bytes[0] = 0x88;
  // BIOS loads 4 sectors of 512 bytes, and the code in them the rest. UEFI takes the count as the size of a
  // FAT volume; what does not fit in 16 bits is written as 0, which firmware reads as "up to the end".
  const count = Math.ceil(size / 512);
  bytes.writeUInt16LE(platform === 'bios' ? 4 : count > 0xffff ? 0 : count, 6);
  bytes.writeUInt32LE(sector, 8);
  return bytes;
}

/** A copy of isolinux' or GRUB's first stage that knows where it lies: the 56 bytes both expect at offset 8. */
export function withBootInfoTable(image: Uint8Array, sector: number): Uint8Array {
  const bytes = Buffer.from(image);
  const padded = Buffer.concat([bytes], Math.ceil(bytes.length / 4) * 4);
  let sum = 0;
  for (let at = 64; at < padded.length; at += 4) sum = (sum + padded.readUInt32LE(at)) >>> 0;
  bytes.fill(0, 8, 64);
  bytes.writeUInt32LE(16, 8);
  bytes.writeUInt32LE(sector, 12);
  bytes.writeUInt32LE(bytes.length, 16);
  bytes.writeUInt32LE(sum, 20);
  return bytes;
}
