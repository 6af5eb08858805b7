import type { Driver } from '#drivers/define.ts';
import type { Task } from '#drivers/task.ts';
import type { OperationRecord, Wait } from '#protocol/operation.ts';
import type { Log } from '#model/log.ts';
import type { Flow } from '../flows/flow.ts';
import type { LockedNode } from '../lock/locked-node.ts';
import type { ConductorParts } from '../parts.ts';

/** Where an operation stands. */
export interface Place {
  readonly parts: ConductorParts;
  readonly node: LockedNode;
  /** As of the last commit; this run changes it along with the row. */
  readonly operation: OperationRecord;
  readonly flow: Flow;
  /** Its lines say the node, the operation and the request. */
  readonly log: Log;
}

/** One run: everything it needs at hand. */
export interface Run extends Place {
  readonly task: Task;
  readonly driver: Driver;
  /** Aborted when the conductor is to take up no further step. */
  readonly leaving: AbortSignal;
}

/** How a run of an operation ended, for this time. */
export type RunEnd =
  /** `next` began in the same commit, on the same lock. */
  | { kind: 'finished'; next?: OperationRecord }
  /** The node is free; whoever hears of the agent, or of the time, runs it again. */
  | { kind: 'waits'; wait: Wait }
  /** Committed as nobody's, for another conductor to go on with. The node stays held until then. */
  | { kind: 'handed over' };
