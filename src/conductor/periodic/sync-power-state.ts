import { readFreeNodePages } from '#db/free-nodes.ts';
import { readNode, updateNode } from '#db/nodes.ts';
import { wireTime } from '#model/clock.ts';
import { NodeLocked, NodeNotFound } from '#model/faults.ts';
import { messageOf } from '#model/message.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { allProvisionStates, stateRow } from '#model/provision-states.ts';
import type { PowerState } from '#model/power-states.ts';
import type { RequestContext } from '#protocol/rpc.ts';
import { lockNode } from '../lock/locked-node.ts';
import { tellOf } from '../lock/node-commit.ts';
import { ownContext } from '../own-context.ts';
import type { ConductorWorkings } from '../workings.ts';
import type { ConductorParts } from '../parts.ts';
import { lookingTask, taskOf } from '../task.ts';
import { forEach, ownNodes, type PeriodicTask } from './periodic-task.ts';

/** How often in a row a node's power could not be read or mended, by node. */
type Failures = Map<string, number>;

/**
 * Ensures: the power state in a node's record is what its BMC says, or the machine is brought to what the record says
 * ([conductor]force_power_state_during_sync). A BMC that does not answer [conductor]power_state_sync_max_retries
 * times puts its node into maintenance. When: every [conductor]sync_power_state_interval. Not its business: nodes in
 * somebody's hands, in maintenance, or in a state whose row says so (rpc-and-conductor `power_sync`).
 */
export function syncPowerState(failures: Failures = new Map()): PeriodicTask {
  return {
    name: 'sync-power-state',
    spacingSeconds: (settings) => settings.conductor.sync_power_state_interval,
    async run(workings, context) {
      const { parts } = workings;
      const { sync_power_state_workers: workers } = parts.settings.conductor;
      await forEach(nodesInOrder(parts, failures), workers, async (node) => {
        workings.signal.throwIfAborted();
        await syncNode(workings, failures, node, context);
      });
    },
  };
}

/** Those that failed before come first; then all others, read a page at a time. */
async function* nodesInOrder(parts: ConductorParts, failures: Failures): AsyncGenerator<NodeRecord> {
  const failedBefore = new Set(failures.keys());
  for (const uuid of failedBefore) {
    const node = await readNode(parts.store.read, uuid);
    if (!node) failures.delete(uuid);
    else if (isSynced(node) && (await parts.ring.findHost(node)) === parts.hostname) yield node;
  }
  const pages = readFreeNodePages(parts.store.read, {
    states: allProvisionStates.filter((state) => stateRow(state).powerSync),
    isPowerSettled: true,
    maintenance: false,
  });
  for await (const node of ownNodes(parts, pages)) if (!failedBefore.has(node.uuid)) yield node;
}

/** As the list of nodes is chosen. By the time a node's BMC has answered much may have changed. */
function isSynced(node: NodeRecord): boolean {
  return stateRow(node.provision_state).powerSync && node.target_power_state === null && !node.maintenance;
}

/** In the ordinary case, where both say the same, the store is neither read nor written. */
async function syncNode(
  workings: ConductorWorkings,
  failures: Failures,
  before: NodeRecord,
  context: RequestContext,
): Promise<void> {
  const { parts, signal } = workings;
  const { uuid } = before;
  try {
    const task = lookingTask(parts, before, signal);
    const seen = await task.driver.power.getPowerState(task);
    if (seen === 'error') throw new Error("the BMC says 'error'");
    if (seen === null || seen === before.power_state) {
      failures.delete(uuid);
      return;
    }
    await mend(workings, failures, { uuid, seen, stored: before.power_state }, context);
  } catch (error) {
    if (error instanceof NodeLocked) return;
    if (error instanceof NodeNotFound) {
      failures.delete(uuid);
      return;
    }
    signal.throwIfAborted();
    await countFailure(workings, failures, uuid, error);
  }
}

async function mend(
  { parts, signal }: ConductorWorkings,
  failures: Failures,
  { uuid, seen, stored }: { uuid: string; seen: PowerState; stored: PowerState | null },
  context: RequestContext,
): Promise<void> {
  await using node = await lockNode(parts, uuid, context, () => ({}), { patient: false });
  // It may have been told to change since it was asked.
  if (node.record.power_state !== stored || !isSynced(node.record)) return;
  const forces = parts.settings.conductor.force_power_state_during_sync && !node.record.disable_power_off;
  if (stored !== null && stored !== 'error' && forces) {
    node.log.warn({ seen, stored }, 'the machine is not in the power state on record; sets it');
    const task = await taskOf(parts, node, signal);
    await task.setPower(stored);
  } else {
    await node.commit({
      columns: { power_state: seen },
      tell: [{ kind: 'power.changed', data: { power_state: seen, from: stored } }],
    });
  }
  failures.delete(uuid);
}

async function countFailure(
  { parts }: ConductorWorkings,
  failures: Failures,
  uuid: string,
  error: unknown,
): Promise<void> {
  const count = (failures.get(uuid) ?? 0) + 1;
  failures.set(uuid, count);
  const reason = messageOf(error);
  parts.log.warn({ node: uuid, count, err: error }, 'could not read or mend the power state');
  if (count <= parts.settings.conductor.power_state_sync_max_retries) return;
  failures.delete(uuid);
  const why = `The power state could not be read ${count} times in a row: ${reason}`;
  await parts.store.write(async (transaction) => {
    const node = await readNode(transaction, uuid);
    if (!node || node.reservation !== null || !isSynced(node)) return;
    const columns = {
      maintenance: true,
      maintenance_reason: why,
      fault: 'power failure',
      last_error: why,
    } as const;
    await updateNode(transaction, uuid, { ...columns, updated_at: wireTime(parts.clock.now()) });
    const told = {
      tell: [{ kind: 'maintenance.changed', data: { maintenance: true, reason: why } }],
      history: { severity: 'ERROR', type: 'monitoring', event: why },
    } as const;
    await tellOf(parts, transaction, { uuid, context: ownContext(parts.random) }, told, []);
  });
}
