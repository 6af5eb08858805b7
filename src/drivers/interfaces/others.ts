// Contracts of the interface types whose work is mostly steps, or small.
import type { StepTask, Task } from '../task.ts';
import type { StepOutcome } from '../steps.ts';
import type { InterfaceContract } from './contract.ts';

export interface BiosInterface extends InterfaceContract {
  /** Reads the settings from the BMC; name and value of each. */
  readSettings?(task: Task): Promise<{ name: string; value: string | null }[]>;
}

export interface RaidInterface extends InterfaceContract {
  /** Logical disk properties a RAID configuration may name, each with its meaning. */
  readonly logicalDiskProperties?: Readonly<Record<string, string>>;
}

export interface FirmwareInterface extends InterfaceContract {
  readComponents?(task: Task): Promise<{ component: string; current_version: string }[]>;
}

export interface ConsoleInterface extends InterfaceContract {
  start?(task: Task): Promise<void>;
  stop?(task: Task): Promise<void>;
  /** Where the console is reached; empty for one that cannot be. */
  describe?(task: Task): Promise<{ type: string; url: string } | Record<string, never>>;
}

/** Attaches the machine to the networks a flow needs. All methods may be repeated. */
export interface NetworkInterface extends InterfaceContract {
  /** Which network the machine is to be on; null takes it off every one of ours. */
  attach(
    task: Task,
    network: 'provisioning' | 'cleaning' | 'inspection' | 'rescuing' | 'servicing' | 'tenant',
  ): Promise<void>;
  detach(
    task: Task,
    network: 'provisioning' | 'cleaning' | 'inspection' | 'rescuing' | 'servicing' | 'tenant',
  ): Promise<void>;
}

export interface RescueInterface extends InterfaceContract {
  rescue?(task: StepTask): Promise<StepOutcome>;
  unrescue?(task: StepTask): Promise<StepOutcome>;
  /** After a failed or aborted rescue. */
  cleanUp?(task: Task): Promise<void>;
}

export interface StorageInterface extends InterfaceContract {
  attachVolumes?(task: Task): Promise<void>;
  detachVolumes?(task: Task): Promise<void>;
  /** False when the machine boots from a volume and nothing is to be written to its disks. */
  shouldWriteImage(task: Task): boolean;
}

export interface VendorInterface extends InterfaceContract {
  /** Methods offered under vendor_passthru, by name. */
  readonly methods?: Readonly<Record<string, VendorMethod>>;
}

export interface VendorMethod {
  http_methods: readonly string[];
  async: boolean;
  description: string;
  /** The answer is handed out as a file. Default false. */
  attach?: boolean;
  /** Default true. False: runs beside other work on the node. */
  require_exclusive_lock?: boolean;
  /** Checks a call before it is accepted. Throws InvalidParameterValue or MissingParameterValue. */
  validate?(task: Task, body: unknown): Promise<void>;
  call(task: Task, body: unknown): Promise<unknown>;
}
