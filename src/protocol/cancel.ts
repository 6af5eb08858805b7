import type { NodeRecord } from '#model/node-record.ts';
import { nextState } from '#model/provision-states.ts';
import type { OperationRecord } from './operation.ts';

type Waiting = Pick<OperationRecord, 'state' | 'wait'>;

/** For its turn, or to be tried again: nothing is under way on the machine. */
export function waitsToBegin({ state, wait }: Waiting): boolean {
  return state === 'waiting' && (wait?.for === 'turn' || wait?.for === 'retry');
}

/** What waits to begin, whatever the node's state; of what has begun, what an abort would end. */
export function canBeCancelled(
  operation: Waiting,
  { provision_state }: Pick<NodeRecord, 'provision_state'>,
): boolean {
  if (operation.state !== 'waiting') return false;
  return waitsToBegin(operation) || nextState(provision_state, 'abort') !== undefined;
}
