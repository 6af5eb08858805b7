import type { BootDevice, BootMode } from '#model/power-states.ts';
import type { Task } from '../task.ts';
import type { InterfaceContract } from './contract.ts';

/** Boot device, boot mode, sensors: what is set through the BMC besides power. What a driver cannot do is absent. */
export interface ManagementInterface extends InterfaceContract {
  supportedBootDevices(task: Task): Promise<readonly BootDevice[]>;
  /** May be repeated. */
  setBootDevice(task: Task, device: BootDevice, options: { persistent: boolean }): Promise<void>;
  getBootDevice(task: Task): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }>;
  supportedBootModes?(task: Task): Promise<readonly BootMode[]>;
  setBootMode?(task: Task, mode: BootMode): Promise<void>;
  getBootMode?(task: Task): Promise<BootMode>;
  getSecureBoot?(task: Task): Promise<boolean>;
  setSecureBoot?(task: Task, enabled: boolean): Promise<void>;
  injectNmi?(task: Task): Promise<void>;
  /** Sensor readings by type (Temperature, Fan, Power, Drive), then by sensor. */
  getSensors?(task: Task): Promise<Record<string, Record<string, unknown>>>;
  detectVendor?(task: Task): Promise<string | null>;
  getMacAddresses?(task: Task): Promise<readonly string[]>;
}
