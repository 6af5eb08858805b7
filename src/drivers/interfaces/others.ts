// Contracts of the interface types whose work is mostly steps, or small.
import type { StepTask, Task } from '../task.ts';
import type { StepOutcome } from '../steps.ts';
import type { InterfaceContract } from './contract.ts';

/** The firmware's settings; changing them is steps. */
export interface BiosInterface extends InterfaceContract {
  /** Name and value of each setting, read from the BMC. May be repeated. */
  readSettings?(task: Task): Promise<{ name: string; value: string | null }[]>;
}

/** Logical disks; making and removing them is steps. */
export interface RaidInterface extends InterfaceContract {
  /** Logical disk properties a RAID configuration may name, each with its meaning. */
  readonly logicalDiskProperties?: Readonly<Record<string, string>>;
}

/** The firmware of the machine's parts; updating it is steps. */
export interface FirmwareInterface extends InterfaceContract {
  /** Each part with the version it runs, read from the BMC. May be repeated. */
  readComponents?(task: Task): Promise<{ component: string; current_version: string }[]>;
}

/** What shows on the machine's screen or serial line. All methods may be repeated. */
export interface ConsoleInterface extends InterfaceContract {
  /** Ensures that the console can be reached. */
  start?(task: Task): Promise<void>;
  /** Ensures that nobody can reach the console any more. */
  stop?(task: Task): Promise<void>;
  /** Where the console is reached; empty for one that cannot be. */
  describe?(task: Task): Promise<{ type: string; url: string } | Record<string, never>>;
}

/** What a machine is on a network for. */
export type NetworkPurpose = 'provisioning' | 'cleaning' | 'inspection' | 'rescuing' | 'servicing' | 'tenant';

/** Attaches the machine to the networks a flow needs. All methods may be repeated. */
export interface NetworkInterface extends InterfaceContract {
  /** Ensures that the machine is on the network of that purpose. */
  attach(task: Task, network: NetworkPurpose): Promise<void>;
  /** Ensures that it is no more. */
  detach(task: Task, network: NetworkPurpose): Promise<void>;
}

/** Boots a machine whose instance is broken into something to mend it from. All methods may be repeated. */
export interface RescueInterface extends InterfaceContract {
  /** Ensures that the rescue ramdisk runs and takes the node's rescue password; waits for it. */
  rescue?(task: StepTask): Promise<StepOutcome>;
  /** Ensures that the machine boots its instance again. */
  unrescue?(task: StepTask): Promise<StepOutcome>;
  /** After a failed or aborted rescue: undoes what was begun. */
  cleanUp?(task: Task): Promise<void>;
}

/** Volumes that are not in the machine. All methods may be repeated. */
export interface StorageInterface extends InterfaceContract {
  /** Ensures that the machine can reach the node's volumes. */
  attachVolumes?(task: Task): Promise<void>;
  /** Ensures that it cannot any more. */
  detachVolumes?(task: Task): Promise<void>;
  /** False when the machine boots from a volume and nothing is to be written to its disks. */
  shouldWriteImage(task: Task): boolean;
}

/** What only this maker's machines can do. */
export interface VendorInterface extends InterfaceContract {
  /** Methods offered under vendor_passthru, by name. */
  readonly methods?: Readonly<Record<string, VendorMethod>>;
}

/** One method of a vendor, as the list of methods shows it and as it is called. */
export interface VendorMethod {
  http_methods: readonly string[];
  /** The caller is answered at once; the call goes on. */
  async: boolean;
  /** For whoever looks the methods up. */
  description: string;
  /** The answer is handed out as a file. Default false. */
  attach?: boolean;
  /** Default true. False: runs beside other work on the node. */
  require_exclusive_lock?: boolean;
  /** Checks a call before it is accepted. Throws InvalidParameterValue or MissingParameterValue. */
  validate?(task: Task, body: unknown): Promise<void>;
  /** Does it, and gives what the caller is answered. Throws a Fault for what cannot be done. */
  call(task: Task, body: unknown): Promise<unknown>;
}
