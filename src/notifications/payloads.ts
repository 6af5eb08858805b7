// The payloads of notifications: Ironic's classes, their versions and members (ironic objects/*.py, 2026.2).
import type { ChassisRecord } from '#model/chassis-record.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { PortRecord } from '#model/port-record.ts';

const nodeMembers = [
  'bios_interface',
  'boot_interface',
  'boot_mode',
  'clean_step',
  'conductor_group',
  'console_enabled',
  'console_interface',
  'created_at',
  'deploy_interface',
  'deploy_step',
  'description',
  'disable_power_off',
  'driver',
  'extra',
  'fault',
  'inspect_interface',
  'inspection_finished_at',
  'inspection_started_at',
  'instance_uuid',
  'last_error',
  'lessee',
  'maintenance',
  'maintenance_reason',
  'management_interface',
  'name',
  'network_interface',
  'owner',
  'power_interface',
  'power_state',
  'properties',
  'protected',
  'protected_reason',
  'provision_state',
  'provision_updated_at',
  'raid_interface',
  'rescue_interface',
  'resource_class',
  'retired',
  'retired_reason',
  'secure_boot',
  'storage_interface',
  'target_power_state',
  'target_provision_state',
  'traits',
  'updated_at',
  'uuid',
  'vendor_interface',
] as const satisfies readonly (keyof NodeRecord)[];

const portMembers = [
  'address',
  'available_for_dynamic_portgroup',
  'category',
  'created_at',
  'description',
  'extra',
  'is_smartnic',
  'local_link_connection',
  'name',
  'node_uuid',
  'physical_network',
  'portgroup_uuid',
  'pxe_enabled',
  'updated_at',
  'uuid',
  'vendor',
] as const satisfies readonly (keyof PortRecord)[];

const chassisMembers = [
  'created_at',
  'description',
  'extra',
  'updated_at',
  'uuid',
] as const satisfies readonly (keyof ChassisRecord)[];

interface PayloadClass {
  readonly version: string;
  /** Of what the event is about. */
  readonly members: readonly string[];
  /** Of the event itself. */
  readonly ofEvent?: readonly string[];
}

export const payloads = {
  NodePayload: { version: '1.17', members: nodeMembers },
  NodeCRUDPayload: {
    version: '1.15',
    members: [...nodeMembers, 'chassis_uuid', 'instance_info', 'driver_info'],
  },
  NodeSetPowerStatePayload: { version: '1.17', members: nodeMembers, ofEvent: ['to_power'] },
  NodeCorrectedPowerStatePayload: { version: '1.17', members: nodeMembers, ofEvent: ['from_power'] },
  NodeSetProvisionStatePayload: {
    version: '1.18',
    members: [...nodeMembers, 'instance_info', 'driver_internal_info'],
    ofEvent: ['event', 'previous_provision_state', 'previous_target_provision_state'],
  },
  PortCRUDPayload: { version: '1.8', members: portMembers },
  ChassisCRUDPayload: { version: '1.0', members: chassisMembers },
} as const satisfies Record<string, PayloadClass>;

export type PayloadName = keyof typeof payloads;

/** All of a node that any payload has. */
export const nodeSubjectMembers: readonly (keyof NodeRecord)[] = [
  ...nodeMembers,
  'chassis_uuid',
  'driver_info',
  'driver_internal_info',
  'instance_info',
];

export const portSubjectMembers: readonly (keyof PortRecord)[] = portMembers;
export const chassisSubjectMembers: readonly (keyof ChassisRecord)[] = chassisMembers;
