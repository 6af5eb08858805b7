import type { PowerInterface } from '../interfaces/power.ts';
import type { Delay } from './delay.ts';

/** The node's record is the machine: it is in the power state that was stored last, none before the first action. */
export function fakePower(delay: Delay): PowerInterface {
  return {
    properties: {},
    async validate() {},
    async getPowerState(task) {
      await delay(task, 'power_delay');
      return task.node.power_state;
    },
    async supportedTargets() {
      return ['soft rebooting', 'soft power off'];
    },
    async setPowerState(task) {
      await delay(task, 'power_delay');
    },
  };
}
