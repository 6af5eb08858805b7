import type { BootDevice, BootMode } from '#model/power-states.ts';
import type { LookingTask, Task } from '../task.ts';
import type { InterfaceContract } from './contract.ts';

/**
 * Boot device, boot mode, sensors: what is set through the BMC besides power. What a driver cannot do is absent.
 * Every method throws when the BMC cannot be asked or refuses. All may be repeated, but for `injectNmi`.
 */
export interface ManagementInterface extends InterfaceContract {
  /** What `setBootDevice` takes on this machine. */
  supportedBootDevices(task: Task): Promise<readonly BootDevice[]>;
  /** Ensures that the machine boots the device next, and always from then on if `persistent`. */
  setBootDevice(task: Task, device: BootDevice, options: { persistent: boolean }): Promise<void>;
  /** What the machine boots next; null where the BMC does not say. */
  getBootDevice(task: Task): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }>;
  /** Ensures that the machine boots in this mode from its next power-on. */
  setBootMode?(task: Task, mode: BootMode): Promise<void>;
  /** The mode that the machine boots in. */
  getBootMode?(task: Task): Promise<BootMode>;
  /** Whether the machine starts nothing but what is signed. */
  getSecureBoot?(task: Task): Promise<boolean>;
  /** Ensures that secure boot is on or off from the next power-on. */
  setSecureBoot?(task: Task, enabled: boolean): Promise<void>;
  /** Interrupts what runs on the machine; happens each time. */
  injectNmi?(task: Task): Promise<void>;
  /** Sensor readings by type (Temperature, Fan, Power, Drive), then by sensor. */
  getSensors?(task: LookingTask): Promise<Record<string, Record<string, unknown>>>;
  /** Who made the machine, as the BMC says; null where it does not. */
  detectVendor?(task: Task): Promise<string | null>;
  /** The addresses of the machine's network cards, as far as the BMC knows them. */
  getMacAddresses?(task: Task): Promise<readonly string[]>;
}
