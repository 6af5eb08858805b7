// `redfish-virtual-media`: the BMC shows the machine an ISO that is composed as it is read.
import { randomBytes } from 'node:crypto';
import {
  listVirtualMedia,
  ejectMedia,
  insertMedia,
  type VirtualMediaSlot,
} from '#bmc/redfish/virtual-media.ts';
import type { BootFiles } from '#images/boot-files.ts';
import {
  appendedParameters,
  baseFilesOf,
  bootMediaOf,
  bootMediaUrl,
  composeBootMedia,
  type BootMedia,
} from '#images/boot-media.ts';
import { messageOf } from '#model/message.ts';
import { wireTime } from '#model/clock.ts';
import type { PreflightFinding } from '#protocol/preflight.ts';
import type { BootInterface } from '../interfaces/boot.ts';
import type { Task } from '../task.ts';
import type { Controllers } from './controllers.ts';
import { redfishInfoOf, redfishProperties } from './driver-info.ts';

const properties = {
  ...redfishProperties,
  deploy_kernel: 'URL of the kernel that the agent boots with; [conductor]deploy_kernel when absent.',
  deploy_ramdisk: 'URL of the ramdisk that holds the agent; [conductor]deploy_ramdisk when absent.',
  rescue_kernel:
    'URL of the kernel that a rescue boots with; [conductor]rescue_kernel, or that of the agent.',
  rescue_ramdisk: 'URL of the ramdisk of a rescue; [conductor]rescue_ramdisk, or that of the agent.',
  bootloader: 'URL of the EFI system partition image; [conductor]bootloader when absent.',
  kernel_append_params:
    'Kernel parameters of the agent instead of [redfish]kernel_append_params, which %default% stands for.',
  external_http_url: 'The URL under which the BMC of this node reaches our media.',
};

export function redfishVirtualMediaBoot(controllers: Controllers, files: BootFiles): BootInterface {
  const cdSlots = async (task: Task): Promise<VirtualMediaSlot[]> => {
    const slots = await controllers.use(task, (system) => listVirtualMedia(...system));
    return slots.filter(({ mediaTypes }) => mediaTypes.some((type) => type === 'CD' || type === 'DVD'));
  };

  const isInserted = async (task: Task): Promise<boolean> => {
    const media = bootMediaOf(task.node);
    if (media === null) return false;
    const url = bootMediaUrl(task.settings, task.node, media.secret);
    return (await cdSlots(task)).some((slot) => slot.isInserted && slot.image === url);
  };

  /** Ejects what we put in, and forgets it. What somebody else inserted stays. */
  const eject = async (task: Task): Promise<void> => {
    const ours = `/ingot/boot/${task.node.uuid}/`;
    const media = bootMediaOf(task.node);
    const slots = await cdSlots(task);
    // Some BMCs do not say which image they show; what is in then is ours if something of ours should be.
    const isOurs = (slot: VirtualMediaSlot): boolean => slot.image?.includes(ours) ?? media !== null;
    if (slots.some((slot) => slot.isInserted && isOurs(slot))) {
      await controllers.use(task, ([client, path, signal]) => ejectMedia(client, path, 'CD', signal));
    }
    if (media !== null) await task.save({ driver_internal_info: { boot_media: null } });
  };

  const slotFinding = async (task: Task): Promise<PreflightFinding> => {
    const slots = await cdSlots(task);
    const devices = await task.driver.management.supportedBootDevices(task);
    const name = 'boot path';
    if (slots.length === 0) return { name, result: 'failed', reason: 'The BMC has no virtual CD or DVD.' };
    if (!devices.includes('cdrom'))
      return {
        name,
        result: 'failed',
        reason: 'The BMC cannot be told to boot the machine from its virtual CD.',
      };
    return { name, result: 'ok', reason: 'The BMC has a virtual CD, and can boot the machine from it.' };
  };

  return {
    carriesToken: true,
    properties,

    async validate({ node, settings }) {
      redfishInfoOf(node, settings);
      baseFilesOf(settings, node);
      appendedParameters(settings, node);
    },

    preflight: async (task) => [await slotFinding(task), ...(await bootFileFindings(task, files))],

    async prepareRamdisk(task, kernelParameters) {
      const media = await keepMedia(task, kernelParameters);
      // What the machine would not be able to read is told before it is started.
      await composeBootMedia(task.settings, task.node, files, task.signal);
      await alignBootMode(task);
      if (!(await isInserted(task))) {
        const image = bootMediaUrl(task.settings, task.node, media.secret);
        await controllers.use(task, ([client, path, signal]) =>
          insertMedia(client, path, { kind: 'CD', image }, signal),
        );
      }
      if (!(await isNext(task))) {
        await task.driver.management.setBootDevice(task, 'cdrom', { persistent: false });
      }
    },

    async isRamdiskPrepared(task) {
      return (await isInserted(task)) && (await isNext(task));
    },

    cleanUpRamdisk: eject,

    async prepareInstance(task) {
      await eject(task);
      await task.driver.management.setBootDevice(task, 'disk', { persistent: true });
    },

    cleanUpInstance: eject,
  };
}

/** Whether the next start, and only that, is from the medium. */
async function isNext(task: Task): Promise<boolean> {
  const { boot_device, persistent } = await task.driver.management.getBootDevice(task);
  return boot_device === 'cdrom' && persistent === false;
}

/** What the record says of this boot's media: kept when it is the same boot, else new under a secret of its own. */
async function keepMedia(task: Task, kernelParameters: Readonly<Record<string, string>>): Promise<BootMedia> {
  const kept = bootMediaOf(task.node);
  if (kept !== null && JSON.stringify(kept.kernel_parameters) === JSON.stringify(kernelParameters))
    return kept;
  const media: BootMedia = {
    secret: randomBytes(24).toString('hex'),
    kernel_parameters: kernelParameters,
    append: appendedParameters(task.settings, task.node),
    prepared_at: wireTime(task.clock.now()),
  };
  await task.save({ driver_internal_info: { boot_media: media } });
  return media;
}

/** The mode that the instance or the node asks for, else that of the settings, where the BMC tells it at all. */
async function alignBootMode(task: Task): Promise<void> {
  const { management } = task.driver;
  const wanted = bootModeOf(task);
  if (wanted === null || !management.setBootMode || !management.getBootMode) return;
  try {
    if ((await management.getBootMode(task)) === wanted) return;
  } catch (error) {
    task.signal.throwIfAborted();
    task.log.debug({ err: error }, 'The BMC does not tell the boot mode');
    return;
  }
  await management.setBootMode(task, wanted);
}

/** Of capabilities, `boot_mode:uefi,...`; null when nobody asks for one, so that the machine keeps what it has. */
function bootModeOf({ node }: Task): 'uefi' | 'bios' | null {
  for (const capabilities of [node.instance_info['capabilities'], node.properties['capabilities']]) {
    const mode = modeIn(capabilities);
    if (mode === 'uefi' || mode === 'bios') return mode;
  }
  return null;
}

function modeIn(capabilities: unknown): unknown {
  if (typeof capabilities === 'string') return /(?:^|,)\s*boot_mode:(\w+)/.exec(capabilities)?.[1];
  if (typeof capabilities !== 'object' || capabilities === null) return undefined;
  return Object.hasOwn(capabilities, 'boot_mode') ? Reflect.get(capabilities, 'boot_mode') : undefined;
}

/** Whether kernel, ramdisk and boot loader can be had. They are fetched for it, and kept for the boot that follows. */
async function bootFileFindings(
  { settings, node, signal }: Task,
  files: BootFiles,
): Promise<PreflightFinding[]> {
  const wanted = baseFilesOf(settings, node);
  return await Promise.all(
    Object.entries(wanted).flatMap(([name, file]) => {
      if (file === null) return [];
      const found = files.probe(file.reference, file.namedBy, signal);
      return [
        found.then(
          (): PreflightFinding => ({ name, result: 'ok', reason: 'It can be had.' }),
          (error: unknown): PreflightFinding => ({ name, result: 'failed', reason: messageOf(error) }),
        ),
      ];
    }),
  );
}
