import type { PowerState } from '#model/power-states.ts';
import type { Task } from '../task.ts';

/**
 * The power state, or null while the BMC does not tell it. For looks that are repeated: a BMC that is away for a
 * moment is no reason to fail what goes on without it.
 */
export async function powerStateIfTold(task: Task): Promise<PowerState | null> {
  try {
    return await task.driver.power.getPowerState(task);
  } catch (error) {
    task.signal.throwIfAborted();
    task.log.warn({ err: error }, 'The BMC does not tell the power state');
    return null;
  }
}
