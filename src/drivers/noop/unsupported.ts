import { UnsupportedDriverExtension } from '#model/faults.ts';
import type { InterfaceType } from '#model/power-states.ts';
import type { InterfaceContract } from '../interfaces/contract.ts';
import type { InspectInterface } from '../interfaces/inspect.ts';
import type { Task } from '../task.ts';

/** An interface that can do nothing, and says so when asked (ironic drivers/modules/noop.py, 2026.2). */
export function unsupported(type: InterfaceType): InterfaceContract {
  return {
    properties: {},
    async validate(task) {
      refuse(task, type);
    },
  };
}

export const unsupportedInspect: InspectInterface = {
  ...unsupported('inspect'),
  async inspect(task) {
    return refuse(task, 'inspect');
  },
};

function refuse(task: Task, extension: InterfaceType): never {
  throw new UnsupportedDriverExtension({ driver: task.node.driver, extension });
}
