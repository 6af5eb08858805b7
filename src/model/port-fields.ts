// The port as the API shows it: every field of every microversion, 1.1 to 1.115.
import { portChangeStates } from './provision-states.ts';
import { type FieldRow, isSortable } from './resource-fields.ts';

/**
 * Every field of a port, in the order in which answers carry them. The states of `patch` are its node's.
 * ironic api/controllers/v1/port.py, versions.py, objects/port.py, 2026.2.
 */
export const portFields = {
  uuid: { type: 'uuid', nullable: true, since: 1, create: 'optional', inList: true },
  created_at: { type: 'datetime', nullable: true, since: 1 },
  updated_at: { type: 'datetime', nullable: true, since: 1 },
  // Lower case. Refused (409) while the node is active or has an instance, unless in maintenance.
  address: {
    type: 'mac',
    nullable: true,
    since: 1,
    create: 'required',
    patch: 'in any state',
    inList: true,
    unique: true,
  },
  extra: {
    type: 'object',
    nullable: false,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    default: {},
  },
  internal_info: { type: 'object', nullable: false, since: 18, default: {} },
  is_smartnic: {
    type: 'boolean',
    nullable: true,
    since: 53,
    create: 'optional',
    patch: 'in any state',
    default: false,
  },
  local_link_connection: {
    type: 'object',
    nullable: false,
    since: 19,
    create: 'optional',
    patch: portChangeStates,
    default: {},
  },
  // Not empty; from 1.102 refused while the port is in a portgroup.
  physical_network: {
    type: 'string',
    nullable: true,
    since: 34,
    create: 'optional',
    patch: portChangeStates,
    maxLength: 64,
  },
  pxe_enabled: {
    type: 'boolean',
    nullable: false,
    since: 19,
    create: 'optional',
    patch: portChangeStates,
    default: true,
  },
  // From 1.94 POST also takes node_ident, a name or uuid, instead.
  node_uuid: {
    type: 'uuid',
    nullable: true,
    since: 1,
    create: 'optional',
    patch: 'in any state',
    origin: 'relation',
  },
  // PATCH of name, description, vendor, category and available_for_dynamic_portgroup is not version checked.
  name: {
    type: 'string',
    nullable: true,
    since: 88,
    create: 'optional',
    patch: 'in any state',
    unique: true,
  },
  description: {
    type: 'string',
    nullable: true,
    since: 97,
    create: 'optional',
    patch: 'in any state',
    maxLength: 255,
  },
  vendor: {
    type: 'string',
    nullable: true,
    since: 100,
    create: 'optional',
    patch: 'in any state',
    maxLength: 32,
  },
  category: {
    type: 'string',
    nullable: true,
    since: 101,
    create: 'optional',
    patch: 'in any state',
    maxLength: 80,
  },
  available_for_dynamic_portgroup: {
    type: 'boolean',
    nullable: false,
    since: 111,
    create: 'optional',
    patch: 'in any state',
    default: true,
  },
  links: { type: 'links', nullable: false, since: 1, inList: true, origin: 'links' },
  portgroup_uuid: {
    type: 'uuid',
    nullable: true,
    since: 24,
    create: 'optional',
    patch: portChangeStates,
    origin: 'relation',
  },
} as const satisfies Record<string, FieldRow>;

export type PortField = keyof typeof portFields;

/** The row of a field. */
export function portField(name: PortField): FieldRow {
  return portFields[name];
}

/** Every field, in the order of answers. */
// The keys of the table are its fields.
export const allPortFields = Object.keys(portFields) as readonly PortField[];

export function isPortField(name: string): name is PortField {
  return Object.hasOwn(portFields, name);
}

/** What the plain list shows, in its own order. */
export const portListFields = ['uuid', 'address', 'links'] as const satisfies readonly PortField[];

/** By what a list of ports may be sorted. */
export const portSortKeys: readonly PortField[] = allPortFields.filter((name) => isSortable(portField(name)));

/** PATCH takes these at any microversion; answers still hide them from older ones (observed). */
export const portPatchNotVersionChecked: readonly PortField[] = [
  'name',
  'description',
  'vendor',
  'category',
  'available_for_dynamic_portgroup',
];

/** The key of POST that may stand for `node_uuid`, and the first microversion (its minor) that takes it. */
export const portNodeIdent = { name: 'node_ident', since: 94 } as const;

/** Keys of `local_link_connection` that only a range of microversions takes; `until` is the last. */
export const localLinkKeyVersions = {
  network_type: { since: 64 },
  'vtep-logical-switch': { since: 90, until: 104 },
  'vtep-physical-switch': { since: 90, until: 104 },
} as const satisfies Record<string, { since: number; until?: number }>;

/** Sets of keys one of which a `local_link_connection` that is not empty has to hold. */
export const localLinkAlternatives: readonly (readonly string[])[] = [
  ['port_id', 'switch_id'],
  ['port_id', 'hostname'],
  ['network_type'],
  ['port_id', 'vtep-logical-switch', 'vtep-physical-switch'],
];
