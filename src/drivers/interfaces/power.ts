import type { Task } from '../task.ts';
import type { InterfaceContract } from './contract.ts';

export type StoredPowerState = 'power on' | 'power off' | 'error';
export type PowerTarget = 'power on' | 'power off' | 'rebooting' | 'soft rebooting' | 'soft power off';

/** Turns the machine on and off. Every method ends within the time limits of the settings. */
export interface PowerInterface extends InterfaceContract {
  /** What the BMC says now. Throws when it cannot be asked. May be repeated. */
  getPowerState(task: Task): Promise<StoredPowerState>;
  /** Targets besides on, off and reboot that this machine takes. */
  supportedTargets(task: Task): Promise<readonly PowerTarget[]>;
  /**
   * Ensures that the machine reached the target before it resolves; throws when it did not within the limit.
   * On and off may be repeated; a reboot happens each time.
   */
  setPowerState(task: Task, target: PowerTarget, options: { timeoutSeconds: number }): Promise<void>;
}
