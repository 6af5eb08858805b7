// Makes a disk ready to start from: image, partition table, config drive.
// Ensures: the disk that the root device hints name holds the verified image with its partition table fitting the disk,
// and the config drive in its partition; no other disk is opened to write.
// When: in the deploy step write_image and in standby.prepare_image. May be repeated from the start.
// Not its business: starting the machine from it.
import type { WriteImageParams } from '#protocol/agent-commands.ts';
import type { AgentContext, CommandRun } from './agent-context.ts';
import { configDriveSize, readConfigDrive, writeConfigDrive } from './config-drive.ts';
import { DeviceNotFound } from './faults.ts';
import type { Disk, OpenDisk } from './hardware.ts';
import { ensureConfigDrivePartition, settlePartitionTable } from './partition-table.ts';
import { progressOf } from './progress.ts';
import { chooseRootDisk, disksNotSkipped } from './root-device.ts';
import { writeImage } from './write-image.ts';

/** Writes the image; resolves with the sentence that commands report. */
export async function prepareImage(
  context: AgentContext,
  { image_info: image, configdrive }: WriteImageParams,
  run: CommandRun,
): Promise<string> {
  const { parameters, clock, log, knowledge } = context;
  const download = {
    timeoutSeconds: parameters.imageTimeout,
    retries: parameters.imageRetries,
    retryIntervalSeconds: parameters.imageRetryInterval,
    insecure: parameters.insecure,
    clock,
    log,
    signal: deadline(context),
  };
  // Read before anything is written: a bad config drive must not cost the disk its content.
  const given = configdrive ?? image.configdrive;
  const configDrive = given ? await readConfigDrive(given, download) : null;
  const disk = await findRootDisk(context);
  await using open = await disk.open('write');
  log.info(`writing image ${image.id} to ${open.name}`);
  await writeImage(open, image, { download, allowMd5: knowledge.allowMd5, report: run.report });
  run.report(progressOf('partition', open.name, 0, null));
  const table = await settlePartitionTable(open);
  if (configDrive) {
    run.report(progressOf('config drive', open.name, 0, configDrive.length));
    const extent = await ensureConfigDrivePartition(open, table, configDriveSize);
    await writeConfigDrive(open, extent, configDrive);
  }
  const rootUuid = await diskIdentifier(open);
  knowledge.partitionUuids = { 'root uuid': rootUuid };
  log.info(`image ${image.id} written to ${open.name}`);
  return `image (${image.id}) written to device ${open.name} root_uuid=${rootUuid}`;
}

/** The one disk that may be written to. @throws DeviceNotFound */
async function findRootDisk({ hardware, knowledge: { node } }: AgentContext): Promise<Disk> {
  const disks = await hardware.disks();
  const facts = chooseRootDisk(
    disksNotSkipped(
      disks.map((disk) => disk.facts),
      node,
    ),
    node,
  );
  const found = disks.find((disk) => disk.facts === facts);
  if (!found || found.isReadOnly) throw new DeviceNotFound(`The root disk ${facts.name} takes no writes`);
  return found;
}

/** What whole-disk images are known by: the signature in the boot record (IPA disk_utils.get_disk_identifier). */
async function diskIdentifier(disk: OpenDisk): Promise<string> {
  const sector = Buffer.alloc(disk.sectorSize);
  await disk.read(0, sector);
  return `0x${sector.readUInt32LE(440).toString(16).padStart(8, '0')}`;
}

function deadline({ parameters: { imageMaxDuration }, signal }: AgentContext): AbortSignal {
  return imageMaxDuration > 0
    ? AbortSignal.any([signal, AbortSignal.timeout(imageMaxDuration * 1000)])
    : signal;
}
