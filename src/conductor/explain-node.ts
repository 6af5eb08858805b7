import { validatedTypes, validateInterfaces } from '#drivers/validate.ts';
import { Fault } from '#model/fault.ts';
import type { Task } from '#drivers/task.ts';
import type { NodeView } from '#protocol/node-view.ts';
import type { RefusedHeartbeats } from './agents/refused-heartbeats.ts';
import { readingTask } from './task.ts';
import type { ConductorWorkings } from './workings.ts';

/** What stands in no store: how full this conductor is, and what it remembers of the node's BMC. Asks nobody. */
export async function explainNode(
  { parts, pool, signal }: ConductorWorkings,
  refused: RefusedHeartbeats,
  uuid: string,
): Promise<NodeView> {
  const view = {
    conductor: parts.hostname,
    workers: { load: pool.load, size: pool.size },
    refusedHeartbeat: refused.of(uuid),
  };
  try {
    const task = await readingTask(parts, uuid, signal);
    return { ...view, bmc: bmcOf(task), misses: await missesOf(task), noDriver: null };
  } catch (error) {
    // The node names a driver or an interface that is not enabled here.
    if (!isOfTheNode(error) || error.status === 404) throw error;
    return { ...view, bmc: null, misses: {}, noDriver: error.message };
  }
}

function isOfTheNode(error: unknown): error is Fault {
  return error instanceof Fault && error.status < 500;
}

function bmcOf(task: Task): NodeView['bmc'] {
  try {
    return task.driver.power.reachability?.(task) ?? null;
  } catch (error) {
    // It has no address of a BMC, as its power interface says among what it misses.
    if (!isOfTheNode(error)) throw error;
    return null;
  }
}

/** An interface that was chosen to do nothing, such as no-raid, misses nothing that anybody could give it. */
async function missesOf(task: Task): Promise<Record<string, string>> {
  const verdicts = await validateInterfaces(task.driver, task);
  const missing = validatedTypes.filter(
    (type) => !verdicts[type].result && !task.node[`${type}_interface`]?.startsWith('no-'),
  );
  return Object.fromEntries(missing.map((type) => [type, verdicts[type].reason ?? '']));
}
