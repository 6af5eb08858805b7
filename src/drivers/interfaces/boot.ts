import type { PreflightFinding } from '#protocol/preflight.ts';
import type { Task } from '../task.ts';
import type { InterfaceContract } from './contract.ts';

/** How the machine comes to boot the agent, or its own disk. */
export interface BootInterface extends InterfaceContract {
  /**
   * The kernel parameters reach the machine by a way that nobody else can read, so that the agent's token may be
   * among them. Absent: the agent is given its token when it looks its node up.
   */
  readonly carriesToken?: true;
  /**
   * Ensures that the next power-on boots the agent with these kernel parameters. The machine is off, or what
   * runs on it is of no more use. May be repeated.
   */
  prepareRamdisk(task: Task, kernelParameters: Readonly<Record<string, string>>): Promise<void>;
  /** Ensures that nothing of the agent's boot is left: media ejected, files gone. May be repeated. */
  cleanUpRamdisk(task: Task): Promise<void>;
  /** Ensures that the next power-on boots what was deployed. May be repeated. */
  prepareInstance(task: Task): Promise<void>;
  /** Ensures that nothing of the instance's boot is left. May be repeated. */
  cleanUpInstance(task: Task): Promise<void>;
  /**
   * Reads back whether the BMC already holds what the last `prepareRamdisk` put there, so that a repeated boot
   * step need not reboot a machine that is on its way.
   */
  isRamdiskPrepared(task: Task): Promise<boolean>;
  /** What a deployment will need of it, looked at without changing anything. May be repeated. */
  preflight?(task: Task): Promise<PreflightFinding[]>;
}
