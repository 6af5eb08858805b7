import type { PowerState, PowerTarget } from '#model/power-states.ts';
import type { BmcReachability } from '#protocol/node-view.ts';
import type { LookingTask, Task } from '../task.ts';
import type { InterfaceContract } from './contract.ts';

/** Turns the machine on and off. Every method ends within the time limits of the settings. */
export interface PowerInterface extends InterfaceContract {
  /** How reaching the BMC went lately; null when it was not asked yet. Asks nobody. May be repeated. */
  reachability?(task: Task): BmcReachability | null;
  /**
   * What the BMC says now; null where there is none that would know. Throws when it cannot be asked. May be repeated.
   * Asked of a hundred thousand nodes in a minute: it does nothing else.
   */
  getPowerState(task: LookingTask): Promise<PowerState | null>;
  /**
   * When the machine last began anew, in the BMC's own words; null where it does not say. Two answers that differ say
   * that it was reset between them. Throws when it cannot be asked. May be repeated.
   */
  lastReset?(task: Task): Promise<string | null>;
  /** Targets besides on, off and reboot that this machine takes. */
  supportedTargets(task: Task): Promise<readonly PowerTarget[]>;
  /**
   * Ensures that the machine reached the target before it resolves; throws when it did not within the limit.
   * On and off may be repeated; a reboot happens each time.
   */
  setPowerState(task: Task, target: PowerTarget, options: { timeoutSeconds: number }): Promise<void>;
}
