import { InvalidParameterValue } from '#model/faults.ts';
import type { BootDevice } from '#model/power-states.ts';
import type { ManagementInterface } from '../interfaces/management.ts';

const supported: readonly BootDevice[] = ['pxe', 'disk'];

/** For machines that try the network first and their disk then, all by themselves. */
export const noopManagement: ManagementInterface = {
  properties: {},
  async validate() {},
  async supportedBootDevices() {
    return supported;
  },
  async setBootDevice(task, device) {
    if (!supported.includes(device))
      throw new InvalidParameterValue(
        `Node ${task.node.uuid} cannot boot from ${device}; it supports ${supported.join(', ')}.`,
      );
    task.log.debug({ device }, 'the boot order is left as the machine has it');
  },
  async getBootDevice() {
    return { boot_device: 'pxe', persistent: true };
  },
};
