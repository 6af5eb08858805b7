import { InvalidParameterValue, UnsupportedDriverExtension } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { bootDevices } from '#model/power-states.ts';
import type { ConductorHandlers, RequestContext } from '#protocol/rpc.ts';
import type { Task } from '#drivers/task.ts';
import { lockNode } from './lock/locked-node.ts';
import { readingTask, taskOf } from './task.ts';
import type { ConductorWorkings } from './workings.ts';

type ManagementCalls =
  | 'set_boot_device'
  | 'get_boot_device'
  | 'get_supported_boot_devices'
  | 'change_node_boot_mode'
  | 'change_node_secure_boot'
  | 'inject_nmi';

/** What is set through the BMC while the caller waits. Throws UnsupportedDriverExtension for what the driver lacks. */
export function managementCalls(workings: ConductorWorkings): Pick<ConductorHandlers, ManagementCalls> {
  const { parts } = workings;
  /** The node is held for as long as the work takes. */
  const holding = async (
    uuid: string,
    context: RequestContext,
    work: (task: Task) => Promise<void>,
  ): Promise<void> => {
    const { signal } = workings;
    signal.throwIfAborted();
    await using node = await lockNode(parts, uuid, context);
    await work(await taskOf(parts, node, signal));
  };
  return {
    set_boot_device: async ({ node, device, persistent }, context) =>
      await holding(node, context, async (task) => {
        const { management } = task.driver;
        await management.validate(task);
        const supported = await management.supportedBootDevices(task);
        const wanted = bootDevices.find((one) => one === device);
        if (!wanted || !supported.includes(wanted))
          throw new InvalidParameterValue(`The boot device '${device}' is none of ${supported.join(', ')}`);
        await management.setBootDevice(task, wanted, { persistent });
      }),
    async get_boot_device({ node }, context) {
      const task = await readingTask(parts, node, workings.signal, context);
      await task.driver.management.validate(task);
      return await task.driver.management.getBootDevice(task);
    },
    async get_supported_boot_devices({ node }, context) {
      const task = await readingTask(parts, node, workings.signal, context);
      return [...(await task.driver.management.supportedBootDevices(task))];
    },
    change_node_boot_mode: async ({ node, mode }, context) =>
      await holding(node, context, async (task) => {
        const { management } = task.driver;
        if (!management.setBootMode) throw unsupported(task.node, 'set_boot_mode');
        if (mode !== 'bios' && mode !== 'uefi') throw new InvalidParameterValue(`'${mode}' is no boot mode`);
        await management.setBootMode(task, mode);
        await task.save({ boot_mode: mode });
      }),
    change_node_secure_boot: async ({ node, enabled }, context) =>
      await holding(node, context, async (task) => {
        const { management } = task.driver;
        if (!management.setSecureBoot) throw unsupported(task.node, 'set_secure_boot_state');
        await management.setSecureBoot(task, enabled);
        await task.save({ secure_boot: enabled });
      }),
    inject_nmi: async ({ node }, context) =>
      await holding(node, context, async (task) => {
        const { management } = task.driver;
        if (!management.injectNmi) throw unsupported(task.node, 'inject_nmi');
        await management.injectNmi(task);
      }),
  };
}

function unsupported({ driver }: NodeRecord, extension: string): UnsupportedDriverExtension {
  return new UnsupportedDriverExtension({ driver, extension });
}
