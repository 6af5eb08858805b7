import { readFreeNodePages } from '#db/free-nodes.ts';
import { setAffinity } from '#db/open-work.ts';
import { composeDriver } from '#drivers/compose.ts';
import type { Task } from '#drivers/task.ts';
import { NodeLocked } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { hideInUrls } from '#model/secrets.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { lockNode } from '../lock/locked-node.ts';
import type { NodeCommit } from '../lock/node-commit.ts';
import type { ConductorParts } from '../parts.ts';
import { taskOf } from '../task.ts';
import type { ConductorWorkings } from '../workings.ts';
import { forEach, ownNodes, type PeriodicTask } from './periodic-task.ts';

/** So many nodes that need nothing done are noted in one commit. */
const notedAtOnce = 500;

/**
 * Ensures: what serves a node with an instance beside the machine, as its console, is with the conductor that the ring
 * names. When: every [conductor]sync_local_state_interval. Not its business: nodes whose driver keeps nothing on a
 * conductor, which are only noted, many at once (ironic conductor/manager.py _sync_local_state, 2026.2).
 */
export const syncLocalState: PeriodicTask = {
  name: 'sync-local-state',
  spacingSeconds: (settings) => settings.conductor.sync_local_state_interval,
  async run(workings, context) {
    const { parts } = workings;
    const nothingToDo: string[] = [];
    const note = async (uuids: string[]): Promise<void> => {
      await parts.store.write(async (transaction) => await setAffinity(transaction, uuids, parts.hostname));
    };
    const pages = readFreeNodePages(parts.store.read, {
      states: ['active'],
      maintenance: false,
      notPreparedBy: parts.hostname,
    });
    await forEach(ownNodes(parts, pages), parts.settings.conductor.periodic_max_workers, async (node) => {
      workings.signal.throwIfAborted();
      if (hasLocalState(parts, node)) return await takeUp(workings, node.uuid, context);
      nothingToDo.push(node.uuid);
      if (nothingToDo.length >= notedAtOnce) await note(nothingToDo.splice(0));
    });
    await note(nothingToDo);
  },
};

function hasLocalState({ registry }: ConductorParts, node: NodeRecord): boolean {
  return node.console_enabled || composeDriver(registry, node).deploy.takeOver !== undefined;
}

async function takeUp(
  { parts, signal }: ConductorWorkings,
  uuid: string,
  context: RequestContext,
): Promise<void> {
  try {
    await using node = await lockNode(parts, uuid, context, () => ({}), { patient: false });
    const { record } = node;
    if (record.provision_state !== 'active' || record.maintenance) return;
    const task = await taskOf(parts, node, signal);
    await task.driver.deploy.takeOver?.(task);
    const console = record.console_enabled ? await restartConsole(task) : {};
    await node.commit({
      ...console,
      columns: { ...console.columns, conductor_affinity: parts.hostname },
      release: true,
    });
  } catch (error) {
    if (!(error instanceof NodeLocked)) throw error;
  }
}

/** A console that cannot be had again is off, and the node says why. */
async function restartConsole(task: Task): Promise<Pick<NodeCommit, 'columns' | 'history'>> {
  const { console } = task.driver;
  try {
    await console.stop?.(task);
    await console.start?.(task);
    return {};
  } catch (error) {
    task.signal.throwIfAborted();
    const event = `The console could not be started on another conductor: ${hideInUrls(messageOf(error))}`;
    task.log.warn({ err: error }, event);
    return {
      columns: { console_enabled: false, last_error: event },
      history: { severity: 'ERROR', type: 'console', event },
    };
  }
}
