// The node as the API shows it: every field of every microversion, 1.1 to 1.115.
import { interfaceChangeStates } from './provision-states.ts';
import { type FieldRow, isSortable } from './resource-fields.ts';

/** The row of a `<type>_interface`; what POST leaves out becomes what the driver prefers. */
function driverInterface(since: number) {
  return { type: 'string', nullable: true, since, create: 'optional', patch: interfaceChangeStates } as const;
}

/**
 * Every field of a node, in the order in which answers carry them.
 * ironic api/controllers/v1/node.py (schema, sanitising), versions.py (minors), objects/node.py (types), 2026.2.
 */
export const nodeFields = {
  uuid: { type: 'uuid', nullable: true, since: 1, create: 'optional', inList: true },
  created_at: { type: 'datetime', nullable: true, since: 1 },
  updated_at: { type: 'datetime', nullable: true, since: 1 },
  automated_clean: { type: 'boolean', nullable: true, since: 47, create: 'optional', patch: 'in any state' },
  bios_interface: driverInterface(40),
  boot_interface: driverInterface(31),
  // Refreshed from the hardware; what POST says is the first guess.
  boot_mode: {
    type: 'string',
    nullable: true,
    since: 75,
    create: 'optional',
    values: ['bios', 'uefi'],
    setBy: 'PUT states/boot_mode',
  },
  clean_step: { type: 'object', nullable: false, since: 7 },
  // Stored in lower case. Absent on create: [DEFAULT]default_conductor_group.
  conductor_group: { type: 'string', nullable: true, since: 46, create: 'optional', patch: 'in any state' },
  console_enabled: {
    type: 'boolean',
    nullable: false,
    since: 1,
    create: 'optional',
    default: false,
    setBy: 'PUT states/console',
  },
  console_interface: driverInterface(31),
  disable_power_off: {
    type: 'boolean',
    nullable: true,
    since: 95,
    create: 'optional',
    patch: 'in any state',
    default: false,
  },
  deploy_interface: driverInterface(31),
  deploy_step: { type: 'object', nullable: false, since: 44 },
  description: {
    type: 'string',
    nullable: true,
    since: 51,
    create: 'optional',
    patch: 'in any state',
    maxLength: 4096,
  },
  // Refused (409) while the console is enabled. The interfaces are resolved anew.
  driver: {
    type: 'string',
    nullable: true,
    since: 1,
    create: 'required',
    patch: 'in any state',
    maxLength: 255,
  },
  driver_info: {
    type: 'object',
    nullable: false,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    default: {},
    masking: 'driver secret keys',
  },
  driver_internal_info: { type: 'object', nullable: false, since: 3, masking: 'secret keys' },
  extra: {
    type: 'object',
    nullable: false,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    default: {},
  },
  fault: {
    type: 'string',
    nullable: true,
    since: 42,
    values: ['power failure', 'clean failure', 'rescue abort failure', 'service failure'],
  },
  firmware_interface: driverInterface(86),
  // Filled where [conductor]enable_health_monitoring is on.
  health: { type: 'string', nullable: true, since: 109, values: ['OK', 'Warning', 'Critical'] },
  inspection_finished_at: { type: 'datetime', nullable: true, since: 6 },
  inspection_started_at: { type: 'datetime', nullable: true, since: 6 },
  inspect_interface: driverInterface(31),
  // Cleared by tear down.
  instance_info: {
    type: 'object',
    nullable: false,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    default: {},
    masking: 'instance secret keys',
  },
  // Filled from instance_info.display_name on PATCH while it is empty; cleared by tear down.
  instance_name: {
    type: 'string',
    nullable: true,
    since: 104,
    create: 'optional',
    patch: 'in any state',
    maxLength: 255,
  },
  // A second value is refused (409) until the first is removed.
  instance_uuid: {
    type: 'uuid',
    nullable: true,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    inList: true,
    unique: true,
  },
  last_error: { type: 'string', nullable: true, since: 1, masking: 'whole' },
  lessee: { type: 'string', nullable: true, since: 65, create: 'optional', patch: 'in any state' },
  // Clearing it clears maintenance_reason and fault.
  maintenance: {
    type: 'boolean',
    nullable: false,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    inList: true,
    default: false,
    setBy: 'PUT, DELETE maintenance',
  },
  maintenance_reason: { type: 'string', nullable: true, since: 1, setBy: 'PUT maintenance' },
  management_interface: driverInterface(31),
  // No uuid, no reserved word; "" and null clear it.
  name: {
    type: 'string',
    nullable: true,
    since: 5,
    create: 'optional',
    patch: 'in any state',
    inList: true,
    unique: true,
  },
  // Checked against the schema of network data, or {}.
  network_data: { type: 'object', nullable: false, since: 66, create: 'optional', patch: 'in any state' },
  network_interface: driverInterface(20),
  // While active it needs baremetal:node:update_owner_provisioned; refused (409) under an allocation with owner.
  owner: {
    type: 'string',
    nullable: true,
    since: 50,
    create: 'optional',
    patch: 'in any state',
    maxLength: 255,
  },
  // A node the caller sees, of the same owner; stored as its uuid.
  parent_node: {
    type: 'string',
    nullable: true,
    since: 83,
    create: 'optional',
    patch: 'in any state',
    maxLength: 36,
  },
  power_interface: driverInterface(31),
  power_state: {
    type: 'string',
    nullable: true,
    since: 1,
    inList: true,
    values: ['power on', 'power off', 'error'],
    setBy: 'PUT states/power',
  },
  properties: {
    type: 'object',
    nullable: false,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    default: {},
  },
  // The states limit setting it; clearing it is free, and clears protected_reason.
  protected: { type: 'boolean', nullable: false, since: 48, patch: ['active', 'rescue'], default: false },
  // Only while protected.
  protected_reason: { type: 'string', nullable: true, since: 48, patch: 'in any state' },
  provision_state: { type: 'string', nullable: true, since: 1, inList: true, setBy: 'PUT states/provision' },
  provision_updated_at: { type: 'datetime', nullable: true, since: 1 },
  raid_config: { type: 'object', nullable: false, since: 12 },
  raid_interface: driverInterface(31),
  rescue_interface: driverInterface(38),
  // The host name of the conductor that holds the lock.
  reservation: { type: 'string', nullable: true, since: 1, masking: 'whole' },
  // The states limit changing a value, not setting the first. Absent: [DEFAULT]default_resource_class.
  resource_class: {
    type: 'string',
    nullable: true,
    since: 21,
    create: 'optional',
    patch: interfaceChangeStates,
    maxLength: 80,
  },
  // Refused in available; clearing it clears retired_reason.
  retired: {
    type: 'boolean',
    nullable: true,
    since: 61,
    create: 'optional',
    patch: 'in any state',
    default: false,
  },
  // Only while retired.
  retired_reason: { type: 'string', nullable: true, since: 61, create: 'optional', patch: 'in any state' },
  secure_boot: {
    type: 'boolean',
    nullable: true,
    since: 75,
    create: 'optional',
    setBy: 'PUT states/secure_boot',
  },
  service_step: { type: 'object', nullable: false, since: 87 },
  shard: { type: 'string', nullable: true, since: 82, create: 'optional', patch: 'in any state' },
  storage_interface: driverInterface(33),
  target_power_state: { type: 'string', nullable: true, since: 1, values: ['power on', 'power off'] },
  target_provision_state: {
    type: 'string',
    nullable: true,
    since: 1,
    values: ['active', 'available', 'manageable', 'rescue'],
  },
  target_raid_config: { type: 'object', nullable: false, since: 12, setBy: 'PUT states/raid' },
  traits: { type: 'strings', nullable: false, since: 37, origin: 'relation', setBy: 'traits' },
  vendor_interface: driverInterface(31),
  links: { type: 'links', nullable: false, since: 1, inList: true, origin: 'links' },
  // Whom the hash ring gives the node to.
  conductor: { type: 'string', nullable: true, since: 49, origin: 'computed' },
  allocation_uuid: { type: 'uuid', nullable: true, since: 52, origin: 'relation' },
  // Unsetting it needs 1.25.
  chassis_uuid: {
    type: 'uuid',
    nullable: true,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    origin: 'relation',
  },
  ports: { type: 'links', nullable: false, since: 1, origin: 'links' },
  states: { type: 'links', nullable: false, since: 14, origin: 'links' },
  portgroups: { type: 'links', nullable: false, since: 24, origin: 'links' },
  volume: { type: 'links', nullable: false, since: 32, origin: 'links' },
} as const satisfies Record<string, FieldRow>;

export type NodeField = keyof typeof nodeFields;

/** The row of a field. */
export function nodeField(name: NodeField): FieldRow {
  return nodeFields[name];
}

/** Every field, in the order of answers. */
// The keys of the table are its fields.
export const allNodeFields = Object.keys(nodeFields) as readonly NodeField[];

export function isNodeField(name: string): name is NodeField {
  return Object.hasOwn(nodeFields, name);
}

/** What the plain list shows, in its own order (api/controllers/v1/node.py, default return fields; observed). */
export const nodeListFields = [
  'uuid',
  'instance_uuid',
  'maintenance',
  'power_state',
  'provision_state',
  'name',
  'links',
] as const satisfies readonly NodeField[];

/** What `GET /v1/nodes/{node}/states` shows, in its order; each from its field's microversion (observed). */
export const nodeStatesFields = [
  'console_enabled',
  'last_error',
  'power_state',
  'provision_state',
  'target_power_state',
  'target_provision_state',
  'provision_updated_at',
  'raid_config',
  'target_raid_config',
  'boot_mode',
  'secure_boot',
] as const satisfies readonly NodeField[];

/** `?fields=` may not name these (400): timestamps and links are the reference's leftovers, kept as they are. */
export const nodeFieldsNotSelectable: readonly NodeField[] = [
  'created_at',
  'updated_at',
  'links',
  'ports',
  'portgroups',
  'states',
  'volume',
];

/** By what a list of nodes may be sorted. */
export const nodeSortKeys: readonly NodeField[] = allNodeFields.filter((name) => isSortable(nodeField(name)));

/** A path of a JSON patch and the policy that guards it. The first row that matches a path counts. */
export const nodePatchPolicies = [
  { prefix: '/instance_info', policy: 'baremetal:node:update_instance_info' },
  { prefix: '/extra', policy: 'baremetal:node:update_extra' },
  { prefix: '/driver_info', policy: 'baremetal:node:update:driver_info' },
  { prefix: '/properties', policy: 'baremetal:node:update:properties' },
  { prefix: '/chassis_uuid', policy: 'baremetal:node:update:chassis_uuid' },
  { prefix: '/instance_uuid', policy: 'baremetal:node:update:instance_uuid' },
  { prefix: '/instance_name', policy: 'baremetal:node:update_instance_info' },
  { prefix: '/lessee', policy: 'baremetal:node:update:lessee' },
  { prefix: '/owner', policy: 'baremetal:node:update:owner' },
  { prefix: '/driver', policy: 'baremetal:node:update:driver_interfaces' },
  { prefix: '/network_data', policy: 'baremetal:node:update:network_data' },
  { prefix: '/conductor_group', policy: 'baremetal:node:update:conductor_group' },
  { prefix: '/name', policy: 'baremetal:node:update:name' },
  { prefix: '/retired', policy: 'baremetal:node:update:retired' },
  { prefix: '/shard', policy: 'baremetal:node:update:shard' },
  { prefix: '/parent_node', policy: 'baremetal:node:update:parent_node' },
  { prefix: '/disable_power_off', policy: 'baremetal:node:update:disable_power_off' },
] as const satisfies readonly { prefix: string; policy: string }[];

/** The policy of a patched path (api/controllers/v1/node.py, 2026.2). Turning cleaning off has one of its own. */
export function nodePatchPolicy(path: string, value?: unknown): string {
  const row = nodePatchPolicies.find(({ prefix }) => path.startsWith(prefix));
  if (row) return row.policy;
  if (/^\/[a-z]+_interface$/.test(path)) return 'baremetal:node:update:driver_interfaces';
  if (path === '/automated_clean' && value === false) return 'baremetal:node:disable_cleaning';
  return 'baremetal:node:update';
}

/** What tear down puts back; with it go the allocation, the attached VIFs and a lessee set by itself. */
export const tearDownResets = { instance_info: {}, instance_uuid: null, instance_name: null } as const;
