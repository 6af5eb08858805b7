import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { OpenDisk } from './hardware.ts';
import { machineHardware } from './machine-hardware.ts';
import { ensureConfigDrivePartition, settlePartitionTable } from './partition-table.ts';
import { aGptImage, anIso, anMbrImage, slowCrc32 } from './testing/disk-images.ts';
import { aMachine } from './testing/machine.ts';

const mebibyte = 1024 ** 2;
const configDriveSize = 64 * mebibyte;

/** A disk that an image was written to, open while `use` runs; resolves with the disk's bytes afterwards. */
async function onDisk(
  image: Buffer,
  use: (disk: OpenDisk) => Promise<void>,
  { size = 100 * mebibyte, sectorSize = 512 } = {},
): Promise<Buffer> {
  await using machine = await aMachine([size]);
  const [file] = machine.diskFiles;
  const [described] = machine.machine.disks;
  assert(file !== undefined && described);
  described.logical_sectors = sectorSize;
  await writeFile(file, image, { flag: 'r+' });
  const [disk] = await machineHardware(machine.machine, () => {}).disks();
  assert(disk);
  {
    await using open = await disk.open('write');
    await use(open);
  }
  return readFile(file);
}

/** Reads both copies of a table by the specification alone and checks all that it demands of them. */
function checkGpt(disk: Buffer, sectorSize = 512) {
  const last = disk.length / sectorSize - 1;
  const copies = [1, last].map((lba) => {
    const header = disk.subarray(lba * sectorSize, (lba + 1) * sectorSize);
    assert.equal(header.toString('latin1', 0, 8), 'EFI PART');
    assert.equal(Number(header.readBigUInt64LE(24)), lba, 'the header knows where it is');
    assert.equal(Number(header.readBigUInt64LE(32)), lba === 1 ? last : 1, 'and where the other one is');
    const unsigned = Buffer.from(header.subarray(0, 92));
    unsigned.writeUInt32LE(0, 16);
    assert.equal(header.readUInt32LE(16), slowCrc32(unsigned));
    const entriesLba = Number(header.readBigUInt64LE(72));
    const entries = disk.subarray(entriesLba * sectorSize, entriesLba * sectorSize + 128 * 128);
    assert.equal(header.readUInt32LE(88), slowCrc32(entries));
    const lastUsable = Number(header.readBigUInt64LE(48));
    assert(lastUsable < last - (128 * 128) / sectorSize, 'nothing usable under the backup');
    return { entries, lastUsable };
  });
  const [primary, backup] = copies;
  assert(primary && backup && primary.entries.equals(backup.entries));
  assert.equal(primary.lastUsable, backup.lastUsable);
  assert.equal(disk.readUInt32LE(458), last, 'the protective entry covers the disk');
  return Array.from({ length: 128 }, (_, at) => primary.entries.subarray(at * 128, at * 128 + 128))
    .filter((entry) => entry.subarray(0, 16).some((byte) => byte !== 0))
    .map((entry) => ({
      first: Number(entry.readBigUInt64LE(32)),
      last: Number(entry.readBigUInt64LE(40)),
      name: entry.subarray(56).toString('utf16le').replaceAll('\0', ''),
    }));
}

test('an image smaller than the disk has its backup table moved to where the disk ends', async () => {
  const image = aGptImage();
  const disk = await onDisk(image, async (open) => void (await settlePartitionTable(open)));
  assert.deepEqual(checkGpt(disk), [{ first: 2048, last: 4095, name: 'root' }]);
  assert(disk.subarray(34 * 512, image.length).equals(image.subarray(34 * 512)), 'the content stays');
});

test('a table that fits already stays as it is', async () => {
  const image = aGptImage({ size: 8 * mebibyte });
  const disk = await onDisk(image, async (open) => void (await settlePartitionTable(open)), {
    size: 8 * mebibyte,
  });
  assert(disk.equals(image));
});

test('a config drive partition is added at the end of the disk, once', async () => {
  const disk = await onDisk(aGptImage(), async (open) => {
    const first = await ensureConfigDrivePartition(open, await settlePartitionTable(open), configDriveSize);
    const second = await ensureConfigDrivePartition(open, await settlePartitionTable(open), configDriveSize);
    assert.deepEqual(first, second);
    assert.equal(first.offset % mebibyte, 0);
    assert(first.size >= configDriveSize);
  });
  const [, added, ...more] = checkGpt(disk);
  assert.deepEqual(more, []);
  assert.deepEqual(added, { first: 35 * 2048, last: disk.length / 512 - 34, name: 'config-2' });
});

test('the same on a disk with sectors of 4096 bytes', async () => {
  const image = aGptImage({ sectorSize: 4096, partitions: [{ first: 256, last: 511, name: 'root' }] });
  const disk = await onDisk(
    image,
    async (open) =>
      void (await ensureConfigDrivePartition(open, await settlePartitionTable(open), configDriveSize)),
    { sectorSize: 4096 },
  );
  assert.equal(checkGpt(disk, 4096)[1]?.name, 'config-2');
});

test('an image made for other sectors is refused by that reason', async () => {
  const refused = /partition table is for disks with sectors of 512 bytes, \/dev\/sda has sectors of 4096/;
  await onDisk(aGptImage(), (open) => assert.rejects(settlePartitionTable(open), refused), {
    sectorSize: 4096,
  });
  const other = /partition table is for disks with sectors of 4096 bytes, \/dev\/sda has sectors of 512/;
  const image = aGptImage({ sectorSize: 4096, partitions: [{ first: 256, last: 511, name: 'root' }] });
  await onDisk(image, (open) => assert.rejects(settlePartitionTable(open), other));
});

test('a config drive partition that the image brought is used, known by its name or its label', async () => {
  const byName = aGptImage({
    partitions: [
      { first: 2048, last: 4095, name: 'Config-2' },
      { first: 4096, last: 6143, name: 'root' },
    ],
  });
  const byLabel = aGptImage();
  anIso('config-2').copy(byLabel, 2048 * 512);
  for (const image of [byName, byLabel])
    await onDisk(image, async (open) => {
      const extent = await ensureConfigDrivePartition(
        open,
        await settlePartitionTable(open),
        configDriveSize,
      );
      assert.deepEqual(extent, { offset: 2048 * 512, size: 2048 * 512 });
    });
});

test('two config drive partitions are one too many', async () => {
  const image = aGptImage({
    partitions: [
      { first: 2048, last: 4095, name: 'config-2' },
      { first: 4096, last: 6143, name: 'config-2' },
    ],
  });
  await onDisk(image, async (open) =>
    assert.rejects(
      ensureConfigDrivePartition(open, await settlePartitionTable(open), configDriveSize),
      /2 partitions labelled/,
    ),
  );
});

test('a disk without room for a config drive says so', async () => {
  const place = async (open: OpenDisk) =>
    assert.rejects(
      ensureConfigDrivePartition(open, await settlePartitionTable(open), configDriveSize),
      /There is no room for a partition of 67108864 bytes/,
    );
  await onDisk(aGptImage(), place, { size: 60 * mebibyte });
  await onDisk(anMbrImage(), place, { size: 60 * mebibyte });
});

test('a damaged table, an empty one and none at all are refused', async () => {
  const damaged = aGptImage();
  damaged.writeUInt8(damaged.readUInt8(1024) ^ 1, 1024);
  await onDisk(damaged, (open) => assert.rejects(settlePartitionTable(open), /entries' checksum is wrong/));
  const header = aGptImage();
  header.writeUInt8(header.readUInt8(560) ^ 1, 560);
  await onDisk(header, (open) => assert.rejects(settlePartitionTable(open), /header's checksum is wrong/));
  const empty = aGptImage({ partitions: [] });
  await onDisk(empty, (open) => assert.rejects(settlePartitionTable(open), /left no partition/));
  await onDisk(Buffer.alloc(mebibyte, 3), (open) =>
    assert.rejects(settlePartitionTable(open), /left no partition/),
  );
});

test('a partition that ends behind the disk is refused', async () => {
  const image = aGptImage({ partitions: [{ first: 2048, last: 10 ** 9, name: 'root' }] });
  await onDisk(image, (open) =>
    assert.rejects(settlePartitionTable(open), /ends behind the end of the disk/),
  );
});

test('an MBR gets a primary partition at the end, once, while a slot is free', async () => {
  const image = anMbrImage(3);
  const disk = await onDisk(image, async (open) => {
    const extent = await ensureConfigDrivePartition(open, await settlePartitionTable(open), configDriveSize);
    assert.deepEqual(extent, { offset: 36 * mebibyte, size: configDriveSize });
    await open.write(extent.offset, anIso());
    assert.deepEqual(
      await ensureConfigDrivePartition(open, await settlePartitionTable(open), configDriveSize),
      extent,
    );
  });
  assert.equal(disk.readUInt8(446 + 48 + 4), 0x83);
  assert(disk.subarray(0, 446 + 48).equals(image.subarray(0, 446 + 48)), 'the rest of the table stays');
  await onDisk(anMbrImage(4), async (open) =>
    assert.rejects(
      ensureConfigDrivePartition(open, await settlePartitionTable(open), configDriveSize),
      /All four primary partitions/,
    ),
  );
});
