import type { InventoryDisk } from '#protocol/agent-commands.ts';
import type { OperationStep } from '#protocol/operation.ts';
import type { PreflightFinding } from '#protocol/preflight.ts';
import type { OfferedStep, StepOutcome } from '../steps.ts';
import type { StepFlow, StepTask, Task } from '../task.ts';
import type { InterfaceContract } from './contract.ts';

/** How an image gets onto the machine and how the agent is driven. All methods may be repeated. */
export interface DeployInterface extends InterfaceContract {
  /** Before the steps of a deployment: everything that must be known before the machine boots. */
  prepare(task: StepTask): Promise<StepOutcome>;
  /** Brings the agent up for cleaning or service; waits for it. Done at once where no agent is needed. */
  prepareAgent(task: StepTask): Promise<StepOutcome>;
  /** Ends the agent's boot after cleaning or service: machine off (or left for fast track), media gone. */
  tearDownAgent(task: StepTask): Promise<StepOutcome>;
  /** Takes the instance off the machine: powered off, no longer reachable by its tenant. */
  tearDown(task: StepTask): Promise<StepOutcome>;
  /** Removes what `prepare` left outside of the machine. */
  cleanUp(task: Task): Promise<void>;
  /** This conductor is now the one that serves the node: what that takes is to be there. Absent: it takes nothing. */
  takeOver?(task: Task): Promise<void>;
  /** The steps the agent offers for a flow, once it is there; absent where there is no agent. */
  agentSteps?(task: StepTask, flow: StepFlow): Promise<OfferedStep[]>;
  /** Runs one of the agent's steps, or finds how far it came. */
  runAgentStep?(task: StepTask, step: OperationStep): Promise<StepOutcome>;
  /** Reboots the machine into the agent in the middle of a flow; waits for it. */
  rebootAgent?(task: StepTask): Promise<StepOutcome>;
  /**
   * What a deployment will need of it, looked at without changing anything. `disks`: those that the last inspection
   * found; null when there was none. May be repeated.
   */
  preflight?(task: Task, disks: readonly InventoryDisk[] | null): Promise<PreflightFinding[]>;
}
