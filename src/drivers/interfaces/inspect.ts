import type { PortRecord } from '#model/port-record.ts';
import type { StepOutcome } from '../steps.ts';
import type { NodeChanges, StepTask, Task } from '../task.ts';
import type { InterfaceContract } from './contract.ts';

/** What an inspection found, for the conductor to store in one transaction. */
export interface InspectionResult {
  changes: NodeChanges;
  /** Ports to be there afterwards; those whose MAC address is known are left as they are. */
  ports: Pick<PortRecord, 'address' | 'pxe_enabled'>[];
  inventory: Record<string, unknown> | null;
  pluginData: Record<string, unknown> | null;
}

/** The agent is on its way. */
export type InspectionWait = StepOutcome & {
  kind: 'wait';
  /** To be there before it reports: by their MAC addresses the node is recognised. */
  ports?: InspectionResult['ports'];
};

/** Finds out what the machine is made of. Throwing fails the inspection. */
export interface InspectInterface extends InterfaceContract {
  /**
   * Out of band: gives the result. In band: boots the agent and gives a wait; what the agent then sends goes to
   * `continueInspection`. May be repeated.
   */
  inspect(task: StepTask): Promise<InspectionResult | InspectionWait>;
  /** Makes the result of what the agent sent. Does not touch the machine. May be repeated. */
  continueInspection?(
    task: Task,
    sent: { inventory: Record<string, unknown>; pluginData: Record<string, unknown> },
  ): Promise<InspectionResult>;
  /** After the result is stored: undoes the agent's boot. May be repeated. */
  finish?(task: Task): Promise<void>;
  /** When it failed or was aborted: undoes what was begun. May be repeated. */
  abort?(task: Task): Promise<void>;
}
