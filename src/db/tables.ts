import type { Generated, Insertable } from 'kysely';
import type { ChassisRecord } from '#model/chassis-record.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { PortRecord } from '#model/port-record.ts';
import type { OperationRecord } from '#protocol/operation.ts';
import type { Columns, Row } from './columns.ts';
import type { ConductorRecord } from './conductors.ts';
import type { EventRecord } from './events.ts';
import type { HistoryRecord } from './history.ts';

export const nodeColumns = {
  id: 'integer',
  uuid: 'text',
  name: 'text',
  created_at: 'text',
  updated_at: 'text',
  driver: 'text',
  driver_info: 'json',
  driver_internal_info: 'json',
  properties: 'json',
  extra: 'json',
  network_data: 'json',
  description: 'text',
  resource_class: 'text',
  traits: 'json',
  chassis_uuid: 'text',
  parent_node: 'text',
  owner: 'text',
  lessee: 'text',
  shard: 'text',
  provision_state: 'text',
  target_provision_state: 'text',
  provision_updated_at: 'text',
  power_state: 'text',
  target_power_state: 'text',
  last_error: 'text',
  fault: 'text',
  health: 'text',
  maintenance: 'boolean',
  maintenance_reason: 'text',
  protected: 'boolean',
  protected_reason: 'text',
  retired: 'boolean',
  retired_reason: 'text',
  automated_clean: 'boolean',
  disable_power_off: 'boolean',
  console_enabled: 'boolean',
  boot_mode: 'text',
  secure_boot: 'boolean',
  raid_config: 'json',
  target_raid_config: 'json',
  instance_uuid: 'text',
  instance_name: 'text',
  instance_info: 'json',
  allocation_uuid: 'text',
  clean_step: 'json',
  deploy_step: 'json',
  service_step: 'json',
  inspection_started_at: 'text',
  inspection_finished_at: 'text',
  reservation: 'text',
  reservation_epoch: 'integer',
  conductor_group: 'text',
  conductor_affinity: 'text',
  bios_interface: 'text',
  boot_interface: 'text',
  console_interface: 'text',
  deploy_interface: 'text',
  firmware_interface: 'text',
  inspect_interface: 'text',
  management_interface: 'text',
  network_interface: 'text',
  power_interface: 'text',
  raid_interface: 'text',
  rescue_interface: 'text',
  storage_interface: 'text',
  vendor_interface: 'text',
} as const satisfies Columns<NodeRecord>;

export const portColumns = {
  id: 'integer',
  uuid: 'text',
  created_at: 'text',
  updated_at: 'text',
  address: 'text',
  node_uuid: 'text',
  portgroup_uuid: 'text',
  name: 'text',
  description: 'text',
  vendor: 'text',
  category: 'text',
  extra: 'json',
  internal_info: 'json',
  local_link_connection: 'json',
  physical_network: 'text',
  pxe_enabled: 'boolean',
  is_smartnic: 'boolean',
  available_for_dynamic_portgroup: 'boolean',
} as const satisfies Columns<PortRecord>;

export const chassisColumns = {
  id: 'integer',
  uuid: 'text',
  created_at: 'text',
  updated_at: 'text',
  description: 'text',
  extra: 'json',
} as const satisfies Columns<ChassisRecord>;

export const operationColumns = {
  id: 'text',
  node_id: 'integer',
  node_uuid: 'text',
  kind: 'text',
  state: 'text',
  input: 'json',
  steps: 'json',
  cursor: 'integer',
  attempt: 'integer',
  memo: 'json',
  wait: 'json',
  abort_requested: 'boolean',
  error: 'text',
  fault: 'text',
  retries: 'integer',
  queue: 'text',
  round: 'integer',
  once_begun: 'boolean',
  owner: 'text',
  created_at: 'text',
  updated_at: 'text',
  finished_at: 'text',
} as const satisfies Columns<OperationRecord>;

export const conductorColumns = {
  id: 'integer',
  hostname: 'text',
  life: 'text',
  online: 'boolean',
  leaving: 'boolean',
  conductor_group: 'text',
  drivers: 'json',
  created_at: 'text',
  updated_at: 'text',
} as const satisfies Columns<ConductorRecord>;

export const historyColumns = {
  id: 'integer',
  uuid: 'text',
  node_uuid: 'text',
  created_at: 'text',
  conductor: 'text',
  severity: 'text',
  event_type: 'text',
  event: 'text',
  user: 'text',
} as const satisfies Columns<HistoryRecord>;

export const eventColumns = {
  id: 'integer',
  at: 'text',
  kind: 'text',
  node_uuid: 'text',
  operation_id: 'text',
  request_id: 'text',
  data: 'json',
} as const satisfies Columns<EventRecord>;

type Numbered<RowType extends { id: number }> = Omit<RowType, 'id'> & { id: Generated<number> };

export interface Tables {
  nodes: Numbered<Row<NodeRecord, typeof nodeColumns>>;
  ports: Numbered<Row<PortRecord, typeof portColumns>>;
  chassis: Numbered<Row<ChassisRecord, typeof chassisColumns>>;
  operations: Row<OperationRecord, typeof operationColumns>;
  /** A row of each queue, which whoever comes or goes writes first. */
  turns: { queue: string; taken: number };
  conductors: Numbered<Row<ConductorRecord, typeof conductorColumns>>;
  conductor_interfaces: {
    conductor_id: number;
    hardware_type: string;
    interface_type: string;
    interface_name: string;
    is_default: number;
  };
  node_history: Numbered<Row<HistoryRecord, typeof historyColumns>>;
  node_inventory: { node_uuid: string; inventory: string; plugin_data: string; created_at: string };
  events: EventRow;
  /** A view: the events that none will be put before. */
  settled_events: EventRow;
  /** Of the events that notifications tell of: what each is about, as it was then. */
  event_subjects: { event_id: number; publisher: string; data: string };
  /** How far the events were sent to each place, and which process is at it. */
  relays: { name: string; cursor: string; holder: string; held_until: string };
  /** What transactions change that have to see each other's writes. */
  gates: { name: string; passed: number };
  /** The last transaction of each session of a PostgreSQL server, whether it was committed. Not on SQLite. */
  writers: { id: string; last_write: number };
}

type EventRow = Numbered<Row<EventRecord, typeof eventColumns>> & {
  /** The transaction that wrote it; 0 on SQLite, where they follow one another. */
  tx: Generated<number>;
  owner: string | null;
  lessee: string | null;
};

export type NodeRow = Row<NodeRecord, typeof nodeColumns>;
export type PortRow = Row<PortRecord, typeof portColumns>;
export type NewRow<Name extends keyof Tables> = Insertable<Tables[Name]>;
