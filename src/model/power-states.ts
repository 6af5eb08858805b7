// Power states, and the small closed vocabularies of a node's hardware side.

/** What `power_state` holds. Null is: not known yet. */
export type PowerState = 'power on' | 'power off' | 'error';

/** What a client may ask for: PUT /v1/nodes/{node}/states/power {"target": ...}. */
export type PowerTarget = 'power on' | 'power off' | 'rebooting' | 'soft rebooting' | 'soft power off';

export interface PowerTargetRow {
  /** The first microversion (its minor) that knows the target. */
  readonly since: number;
  /** What `target_power_state` shows while it is under way, and what `power_state` holds when it is done. */
  readonly reaches: 'power on' | 'power off';
  /** Asks the operating system first, so it takes a `timeout`. */
  readonly soft: boolean;
  /** Nothing to do when the machine already is where it is told to go. */
  readonly skippedWhenThere: boolean;
}

/** ironic common/states.py, conductor/utils.py node_power_action, 2026.2. */
export const powerTargets = {
  'power on': { since: 1, reaches: 'power on', soft: false, skippedWhenThere: true },
  'power off': { since: 1, reaches: 'power off', soft: false, skippedWhenThere: true },
  rebooting: { since: 1, reaches: 'power on', soft: false, skippedWhenThere: false },
  'soft rebooting': { since: 27, reaches: 'power on', soft: true, skippedWhenThere: false },
  'soft power off': { since: 27, reaches: 'power off', soft: true, skippedWhenThere: true },
} as const satisfies Record<PowerTarget, PowerTargetRow>;

export function isPowerTarget(text: unknown): text is PowerTarget {
  return typeof text === 'string' && Object.hasOwn(powerTargets, text);
}

/** Where a client's power request would pull the machine from under its cleaning (api/controllers/v1/node.py). */
export const powerForbiddenStates = ['cleaning', 'clean wait'] as const;

/** Why a node is in maintenance when Ironic put it there (common/faults.py). */
export type NodeFault = 'power failure' | 'clean failure' | 'rescue abort failure' | 'service failure';

export type BootMode = 'bios' | 'uefi';

/** common/boot_devices.py. */
export const bootDevices = [
  'pxe',
  'disk',
  'cdrom',
  'bios',
  'safe',
  'wanboot',
  'iscsiboot',
  'floppy',
  'uefihttp',
] as const;
export type BootDevice = (typeof bootDevices)[number];

/** What a BMC says of the whole machine, from 1.109. */
export type HealthState = 'OK' | 'Warning' | 'Critical';

/** Every kind of driver interface, in the order Ironic lists them (common/driver_factory.py). */
export const interfaceTypes = [
  'bios',
  'boot',
  'console',
  'deploy',
  'firmware',
  'inspect',
  'management',
  'network',
  'power',
  'raid',
  'rescue',
  'storage',
  'vendor',
] as const;
export type InterfaceType = (typeof interfaceTypes)[number];

/** The node's field that names an interface: `bios_interface`, ... */
export type InterfaceField = `${InterfaceType}_interface`;

/** common/states.py EVENT types of conductor/utils.py node_history_record, 2026.2. */
export const historyEventTypes = [
  'UNKNOWN',
  'adoption',
  'allocating',
  'automated_cleaning_end',
  'automated_cleaning_start',
  'cleaning',
  'conductor',
  'console',
  'deploying',
  'deployment_end',
  'deployment_start',
  'introspection',
  'manual_cleaning_end',
  'manual_cleaning_start',
  'monitoring',
  'provisioning',
  'rescue',
  'servicing',
  'servicing_end',
  'servicing_start',
  'startup failure',
  'takeover',
  'transition',
  'unprovision',
  'verify',
  'verifying',
] as const;
export type HistoryEventType = (typeof historyEventTypes)[number];
