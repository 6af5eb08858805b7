import type { Settings } from '#config/settings.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { BootInterface } from './interfaces/boot.ts';
import type { DeployInterface } from './interfaces/deploy.ts';
import type { InspectInterface } from './interfaces/inspect.ts';
import type { ManagementInterface } from './interfaces/management.ts';
import type {
  BiosInterface,
  ConsoleInterface,
  FirmwareInterface,
  NetworkInterface,
  RaidInterface,
  RescueInterface,
  StorageInterface,
  VendorInterface,
} from './interfaces/others.ts';
import type { PowerInterface } from './interfaces/power.ts';
import type { Task } from './task.ts';

/** The contract of each interface type. */
export interface InterfaceContracts {
  bios: BiosInterface;
  boot: BootInterface;
  console: ConsoleInterface;
  deploy: DeployInterface;
  firmware: FirmwareInterface;
  inspect: InspectInterface;
  management: ManagementInterface;
  network: NetworkInterface;
  power: PowerInterface;
  raid: RaidInterface;
  rescue: RescueInterface;
  storage: StorageInterface;
  vendor: VendorInterface;
}

export type InterfaceType = keyof InterfaceContracts;

/** Implementations by interface type and name, as `[DEFAULT]enabled_*_interfaces` names them. */
export type Implementations = { [T in InterfaceType]?: Readonly<Record<string, InterfaceContracts[T]>> };

/** A node's interfaces, each the implementation that the node names. */
export type Driver = { readonly [T in InterfaceType]: InterfaceContracts[T] };

/** Background work of a driver, run by a conductor for the nodes it owns. */
export interface DriverPeriodicTask {
  readonly name: string;
  /** Seconds between two runs, or the setting that holds them; 0 turns it off. */
  readonly spacingSeconds: number | ((settings: Settings) => number);
  /** Which of this conductor's nodes it is for. */
  concerns(node: NodeRecord): boolean;
  /** May be repeated. A throw is logged and concerns this node only. */
  run(task: Task): Promise<void>;
}

/** A kind of machine: which implementations it can be composed of, best first. */
export interface HardwareType {
  readonly name: string;
  readonly supported: { readonly [T in InterfaceType]: readonly string[] };
  /** A node may use whatever is enabled, supported or not: for trying interfaces out. Default false. */
  readonly takesAnyInterface?: boolean;
  readonly periodicTasks?: readonly DriverPeriodicTask[];
}

/** Checks a hardware type's shape at compile time and gives it back; the place where a driver author begins. */
export function defineHardwareType(type: HardwareType): HardwareType {
  return type;
}

/** What one driver package brings: hardware types and implementations they and others may use. */
export interface DriverPackage {
  readonly hardwareTypes: readonly HardwareType[];
  readonly implementations: Implementations;
}
