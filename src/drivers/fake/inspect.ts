import type { InspectInterface } from '../interfaces/inspect.ts';
import type { Delay } from './delay.ts';

/** Looks, and finds nothing. */
export function fakeInspect(delay: Delay): InspectInterface {
  return {
    properties: {},
    async validate() {},
    async inspect(task) {
      await delay(task, 'inspect_delay');
      return { changes: {}, ports: [], inventory: null, pluginData: null };
    },
  };
}
