import { readFreeNodePages } from '#db/free-nodes.ts';
import { readNode } from '#db/nodes.ts';
import { readOpenOperation } from '#db/operations.ts';
import { wireTime } from '#model/clock.ts';
import { NodeLocked } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import {
  allProvisionStates,
  type ProvisionState,
  stateRow,
  type WaitStart,
} from '#model/provision-states.ts';
import type { FaultClass, OperationRecord } from '#protocol/operation.ts';
import { agentHeardAt } from '../task.ts';
import { ownNodes, type PeriodicTask } from './periodic-task.ts';

/** So many nodes of a state are ended in one run for each worker; the next run finds the others. */
const overduePerWorker = 16;

/**
 * Ensures: no node waits for an agent for longer than the option of its state allows; it fails with words that say
 * for whom it waited. When: every [conductor]check_provision_state_interval. Not its business: nodes in somebody's
 * hands or in maintenance (ironic conductor/manager.py _fail_if_in_state, 2026.2).
 */
export const checkTimeouts: PeriodicTask = {
  name: 'check-timeouts',
  spacingSeconds: (settings) => settings.conductor.check_provision_state_interval,
  async run({ parts, operations }, context) {
    for (const { state, seconds, measuredFrom } of limitedStates(parts.settings.conductor)) {
      const before = wireTime(parts.clock.now() - seconds * 1000);
      const overdue = readFreeNodePages(parts.store.read, {
        states: [state],
        maintenance: false,
        since: { field: measuredFrom, before },
      });
      let left = parts.settings.conductor.periodic_max_workers * overduePerWorker;
      // Counted when it is found to be this conductor's to end: others' may stay overdue for as long as those are away.
      for await (const node of ownNodes(parts, overdue)) {
        const operation = await readOpenOperation(parts.store.read, node.uuid);
        if (operation?.state !== 'waiting') continue;
        if (left === 0) break;
        left -= 1;
        // The agent may have been heard of since this node was found overdue.
        const applies = (now: NodeRecord): boolean =>
          now.provision_state === state && !now.maintenance && (now[measuredFrom] ?? before) < before;
        await operations
          .endWaiting(operation, context, timeoutOf(operation, state, seconds), {
            aborted: false,
            fault: faultOf(operation, await readNode(parts.store.read, node.uuid)),
            applies,
          })
          .catch((reason: unknown) => {
            if (!(reason instanceof NodeLocked)) throw reason;
          });
      }
    }
  },
};

function timeoutOf({ wait, steps, cursor }: OperationRecord, state: ProvisionState, seconds: number): string {
  const step = steps[cursor];
  if (wait?.for === 'poll' && step)
    return `Timeout: the step ${step.interface}.${step.step} did not end within ${seconds} s while the node was in '${state}'.`;
  return `Timeout: nothing was heard of the agent for ${seconds} s while the node was in '${state}'. Look at its console: did it boot the ramdisk, and can it reach the API?`;
}

/** An agent that was never heard of since the machine began is another trouble than one that fell silent. */
function faultOf({ wait }: OperationRecord, node: NodeRecord | undefined): FaultClass {
  if (wait?.for === 'poll') return 'step-timeout';
  return node && agentHeardAt(node) !== null ? 'agent-timeout' : 'boot-timeout';
}

function limitedStates(
  limits: Readonly<Record<string, unknown>>,
): { state: ProvisionState; seconds: number; measuredFrom: WaitStart }[] {
  return allProvisionStates.flatMap((state) => {
    const { timeout } = stateRow(state);
    if (!timeout) return [];
    const seconds = Number(limits[timeout.option]);
    return seconds > 0 ? [{ state, seconds, measuredFrom: timeout.measuredFrom }] : [];
  });
}
