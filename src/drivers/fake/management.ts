import { InvalidParameterValue } from '#model/faults.ts';
import type { BootDevice } from '#model/power-states.ts';
import type { ManagementInterface } from '../interfaces/management.ts';
import type { Delay } from './delay.ts';

/** Always boots from the network, once (ironic drivers/modules/fake.py FakeManagement, 2026.2). */
export function fakeManagement(delay: Delay): ManagementInterface {
  const supported: readonly BootDevice[] = ['pxe'];
  return {
    properties: {},
    async validate() {},
    async supportedBootDevices() {
      return supported;
    },
    async setBootDevice(task, device) {
      await delay(task, 'management_delay');
      if (!supported.includes(device))
        throw new InvalidParameterValue(
          `Node ${task.node.uuid} cannot boot from ${device}; it supports ${supported.join(', ')}.`,
        );
    },
    async getBootDevice(task) {
      await delay(task, 'management_delay');
      return { boot_device: 'pxe', persistent: false };
    },
    async getSensors(task) {
      await delay(task, 'management_delay');
      return {};
    },
  };
}
