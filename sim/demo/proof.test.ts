import assert from 'node:assert/strict';
import { copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { writeConfigDrive } from '#agent/config-drive.ts';
import { openDiskFile } from '#agent/hardware.ts';
import { ensureConfigDrivePartition, settlePartitionTable } from '#agent/partition-table.ts';
import { buildConfigDrive, decodeConfigDrive } from '#images/config-drive.ts';
import { makeDiskImage } from '../disk-image.ts';
import { DemoFailure } from './failure.ts';
import { type ConfigDrive, proveDeployed, proveZero } from './proof.ts';

const mebibyte = 1024 ** 2;
const imageBytes = 64 * mebibyte;
const diskBytes = 160 * mebibyte;
const sent: ConfigDrive = {
  meta_data: { uuid: 'u', name: 'n', hostname: 'h' },
  user_data: '#cloud-config\n',
  network_data: { links: [] },
};

describe('the proof of a deployment', () => {
  let folder: string;
  let image: string;
  let deployed: string;
  let disk: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ingot-proof-'));
    image = join(folder, 'image');
    deployed = join(folder, 'deployed');
    disk = join(folder, 'disk');
    await makeDiskImage(image, { sizeBytes: imageBytes });
    await deploy(image, deployed);
  });
  after(async () => await rm(folder, { recursive: true, force: true }));
  beforeEach(async () => await copyFile(deployed, disk));

  const prove = async () => await proveDeployed(disk, image, sent);
  const refuses = async (reason: RegExp) =>
    await assert.rejects(prove, (error) => error instanceof DemoFailure && reason.test(error.message));

  it('accepts what the agent makes of an image and a config drive', async () => {
    const proof = await prove();
    assert.equal(proof.bytes_equal + proof.bytes_rewritten, imageBytes);
    assert.equal(proof.bytes_rewritten, 156);
  });

  it('finds a single byte that is not the image’s, in its first as in its last sector', async () => {
    for (const at of [0, 20 * mebibyte + 77, imageBytes - 1]) {
      await flip(disk, at);
      await refuses(new RegExp(`^byte ${at} of the disk is not the image's$`));
      await flip(disk, at);
    }
  });

  it('does not accept what may differ when it has no right value', async () => {
    await flip(disk, 446 + 12);
    await refuses(/protective MBR covers/);
    await flip(disk, 446 + 12);
    await flip(disk, 512 + 32);
    await refuses(/checksum of the partition table's header/);
    await flip(disk, 512 + 32);
    await flip(disk, diskBytes - 512 + 24);
    await refuses(/checksum of the partition table's header in sector 327679/);
  });

  it('compares the config drive with what was sent', async () => {
    await assert.rejects(
      proveDeployed(disk, image, { ...sent, user_data: '#cloud-config' }),
      /user_data on the config drive is not what was sent/,
    );
  });

  it('finds the one byte of an erased disk that is left', async () => {
    const erased = join(folder, 'erased');
    {
      await using file = await open(erased, 'w');
      await file.truncate(diskBytes);
    }
    assert.deepEqual(await proveZero([erased]), { bytes_zero: diskBytes });
    await flip(erased, 99 * mebibyte);
    await assert.rejects(proveZero([erased]), new RegExp(`byte ${99 * mebibyte} of`));
  });
});

async function deploy(image: string, path: string): Promise<void> {
  await copyFile(image, path);
  {
    await using file = await open(path, 'r+');
    await file.truncate(diskBytes);
  }
  await using disk = await openDiskFile(path, 'r+', {
    name: '/dev/sda',
    size: diskBytes,
    logical_sectors: 512,
    physical_sectors: 512,
    rotational: false,
    model: 'SIM',
    vendor: null,
    serial: null,
    wwn: null,
    wwn_with_extension: null,
    wwn_vendor_extension: null,
    hctl: null,
    by_path: null,
    tran: null,
  });
  const table = await settlePartitionTable(disk);
  const drive = Buffer.from(decodeConfigDrive(await buildConfigDrive(sent, { uuid: 'u', name: 'n' })));
  const extent = await ensureConfigDrivePartition(disk, table, 64 * mebibyte);
  await writeConfigDrive(disk, extent, drive);
}

async function flip(path: string, at: number): Promise<void> {
  await using file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at);
}
