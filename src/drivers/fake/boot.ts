import type { BootInterface } from '../interfaces/boot.ts';
import type { Delay } from './delay.ts';

export function fakeBoot(delay: Delay): BootInterface {
  return {
    properties: {},
    async validate() {},
    prepareRamdisk: (task) => delay(task, 'boot_delay'),
    cleanUpRamdisk: (task) => delay(task, 'boot_delay'),
    prepareInstance: (task) => delay(task, 'boot_delay'),
    cleanUpInstance: (task) => delay(task, 'boot_delay'),
    // Nothing is put anywhere, so nothing can be read back: a repeated boot step boots again.
    async isRamdiskPrepared() {
      return false;
    },
  };
}
