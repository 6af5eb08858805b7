// The node as the code holds it: a row of the store, its columns under their published names.
import type { JsonObject } from './json-object.ts';
import {
  type BootMode,
  type HealthState,
  type InterfaceField,
  type NodeFault,
  type PowerState,
} from './power-states.ts';
import { type ProvisionState, type TargetProvisionState } from './provision-states.ts';

/** A point in time as the wire writes it, `2026-01-01T00:00:00.000000+00:00`; sorts as text. */
export type WireTime = string;

/** A step of a flow as it is stored and shown. */
export interface StepRecord {
  readonly step: string;
  readonly interface: string;
  readonly priority: number;
  readonly args?: JsonObject | null;
  readonly abortable?: boolean;
  readonly [key: string]: unknown;
}

/** The interface of each type that a node uses. Null until the driver's are resolved. */
export type NodeInterfaces = Record<InterfaceField, string | null>;

/** A node, read. Whoever wants to change one needs its lock. */
export interface NodeRecord extends Readonly<NodeInterfaces> {
  /** The store's own number; the order of a list without `sort_key`. Not on the wire. */
  readonly id: number;
  readonly uuid: string;
  readonly name: string | null;
  readonly created_at: WireTime;
  readonly updated_at: WireTime | null;

  readonly driver: string;
  readonly driver_info: JsonObject;
  readonly driver_internal_info: JsonObject;
  readonly properties: JsonObject;
  readonly extra: JsonObject;
  readonly network_data: JsonObject;
  readonly description: string | null;
  readonly resource_class: string | null;
  readonly traits: readonly string[];
  readonly chassis_uuid: string | null;
  readonly parent_node: string | null;
  readonly owner: string | null;
  readonly lessee: string | null;
  readonly shard: string | null;

  readonly provision_state: ProvisionState;
  readonly target_provision_state: TargetProvisionState | null;
  readonly provision_updated_at: WireTime | null;
  readonly power_state: PowerState | null;
  readonly target_power_state: 'power on' | 'power off' | null;
  readonly last_error: string | null;
  readonly fault: NodeFault | null;
  readonly health: HealthState | null;
  readonly maintenance: boolean;
  readonly maintenance_reason: string | null;
  readonly protected: boolean;
  readonly protected_reason: string | null;
  /** Null: said to be neither; counts as not retired. */
  readonly retired: boolean | null;
  readonly retired_reason: string | null;
  readonly automated_clean: boolean | null;
  readonly disable_power_off: boolean;
  readonly console_enabled: boolean;
  readonly boot_mode: BootMode | null;
  readonly secure_boot: boolean | null;
  readonly raid_config: JsonObject;
  readonly target_raid_config: JsonObject;

  readonly instance_uuid: string | null;
  readonly instance_name: string | null;
  readonly instance_info: JsonObject;
  readonly allocation_uuid: string | null;

  /** The running step of each flow, `{}` when none runs. */
  readonly clean_step: StepRecord | Record<string, never>;
  readonly deploy_step: StepRecord | Record<string, never>;
  readonly service_step: StepRecord | Record<string, never>;
  readonly inspection_started_at: WireTime | null;
  readonly inspection_finished_at: WireTime | null;

  /** The host name of the conductor that holds the node, or null. */
  readonly reservation: string | null;
  /** Goes up each time the node is taken. A write under an older one is refused: its writer was thought dead. */
  readonly reservation_epoch: number;
  /** Empty: no group. */
  readonly conductor_group: string;
  /** The host name of the conductor that last prepared the node's boot, or null. Not on the wire. */
  readonly conductor_affinity: string | null;
}

/** What no one but the store and the lock writes. */
type KeptByStore = 'id' | 'created_at' | 'updated_at' | 'reservation' | 'reservation_epoch';

/** A node to be created. What is absent is null, false, empty, or has its table's default. */
export type NewNode = Pick<NodeRecord, 'uuid' | 'driver' | 'provision_state'> &
  Partial<Omit<NodeRecord, KeptByStore | 'uuid' | 'driver' | 'provision_state'>>;

/** A change to a node: columns absent from it stay. JSON columns are replaced whole. */
export type NodePatch = Partial<Omit<NodeRecord, KeptByStore | 'uuid'>>;
