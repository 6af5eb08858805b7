import { validateInterfaces } from '#drivers/validate.ts';
import { Fault } from '#model/fault.ts';
import type { Task } from '#drivers/task.ts';
import type { NodeView } from '#protocol/node-view.ts';
import { readingTask } from './task.ts';
import type { ConductorWorkings } from './workings.ts';

/** What stands in no store: how full this conductor is, and what it remembers of the node's BMC. Asks nobody. */
export async function explainNode(
  { parts, pool, signal }: ConductorWorkings,
  uuid: string,
): Promise<NodeView> {
  const view = { conductor: parts.hostname, workers: { load: pool.load, size: pool.size } };
  try {
    const task = await readingTask(parts, uuid, signal);
    const bmc = task.driver.power.reachability?.(task) ?? null;
    return { ...view, bmc, misses: await missesOf(task), noDriver: null };
  } catch (error) {
    // The node names a driver or an interface that is not enabled here, or an address that is none.
    if (!(error instanceof Fault) || error.status >= 500 || error.status === 404) throw error;
    return { ...view, bmc: null, misses: {}, noDriver: error.message };
  }
}

async function missesOf(task: Task): Promise<Record<string, string>> {
  const verdicts = Object.entries(await validateInterfaces(task.driver, task));
  return Object.fromEntries(
    verdicts.flatMap(([type, { result, reason }]) => (result ? [] : [[type, reason ?? '']])),
  );
}
