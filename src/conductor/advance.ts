import { wireTime } from '#model/clock.ts';
import { InvalidState } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import {
  isStable,
  nextState,
  type ProvisionEvent,
  type ProvisionState,
  stateRow,
  type TargetProvisionState,
} from '#model/provision-states.ts';

/** A step through the provision table: what to write, and what to tell. */
export interface Advance {
  readonly columns: Pick<NodeRecord, 'provision_state' | 'target_provision_state' | 'provision_updated_at'>;
  readonly told: { event: ProvisionEvent; from: ProvisionState; to: ProvisionState };
}

/**
 * The one function that changes a provision state. Throws InvalidState for an event that has no meaning in the
 * node's state. The target is kept while a flow is under way: cleaning by hand ends in `manageable`, not in the
 * table's `available` (ironic conductor/task_manager.py process_event).
 */
export function advance(
  node: Pick<NodeRecord, 'uuid' | 'provision_state' | 'target_provision_state'>,
  event: ProvisionEvent,
  options: { now: number; target?: TargetProvisionState },
): Advance {
  const from = node.provision_state;
  const to = nextState(from, event);
  if (to === undefined) {
    throw new InvalidState(`Node ${node.uuid} cannot ${event} while it is in the state '${from}'`);
  }
  return {
    columns: {
      provision_state: to,
      target_provision_state: isStable(to) ? null : (options.target ?? targetOf(node, from, to)),
      provision_updated_at: wireTime(options.now),
    },
    told: { event, from, to },
  };
}

function targetOf(
  node: Pick<NodeRecord, 'target_provision_state'>,
  from: ProvisionState,
  to: ProvisionState,
): TargetProvisionState | null {
  const isSameFlow = !isStable(from) && stateRow(from).target === stateRow(to).target;
  return isSameFlow && node.target_provision_state !== null
    ? node.target_provision_state
    : stateRow(to).target;
}
