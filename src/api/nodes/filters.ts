// What a list of nodes can be narrowed by (endpoints `GET /v1/nodes` query, 2026.2).
import { readChassis } from '#db/chassis.ts';
import type { NodeFilter } from '#db/node-list.ts';
import { ChassisNotFound, InvalidParameterValue, NotAcceptable } from '#model/faults.ts';
import { featureMinors } from '#model/microversion.ts';
import { nodeFields } from '#model/node-fields.ts';
import { isProvisionState, type ProvisionState } from '#model/provision-states.ts';
import type { Call } from '../call.ts';
import type { Query } from '../query.ts';
import { findNodeRow } from './find-node.ts';

interface FilterRow<Value> {
  /** The first minor that may use it, 406 below; 1 where the reference does not look. */
  readonly since: number;
  read(query: Query): Value | undefined;
}

/** Every filter that is a matter of one argument. */
const filters: {
  readonly [Name in Exclude<keyof NodeFilter, 'parent_node'>]-?: FilterRow<NodeFilter[Name]>;
} = {
  associated: { since: 1, read: (query) => query.boolean('associated') },
  chassis_uuid: { since: 1, read: (query) => query.uuid('chassis_uuid') },
  conductor_group: {
    since: featureMinors.conductorGroupFilter,
    read: (query) => query.text('conductor_group')?.toLowerCase(),
  },
  description_contains: { since: 1, read: (query) => query.text('description_contains') },
  driver: { since: featureMinors.driverFilter, read: (query) => query.text('driver') },
  fault: { since: featureMinors.faultFilter, read: knownFault },
  instance_name: { since: nodeFields.instance_name.since, read: (query) => query.text('instance_name') },
  instance_uuid: { since: 1, read: (query) => query.uuid('instance_uuid') },
  lessee: { since: featureMinors.lesseeFilter, read: (query) => query.text('lessee') },
  maintenance: { since: 1, read: (query) => query.boolean('maintenance') },
  owner: { since: featureMinors.ownerFilter, read: (query) => query.text('owner') },
  project: { since: 1, read: (query) => query.text('project') },
  provision_state: { since: featureMinors.provisionStateFilter, read: knownState },
  resource_class: { since: featureMinors.resourceClassFilter, read: (query) => query.text('resource_class') },
  retired: { since: 1, read: (query) => query.boolean('retired') },
  shard: { since: featureMinors.shards, read: (query) => query.list('shard') },
  sharded: { since: featureMinors.shards, read: (query) => query.boolean('sharded') },
};

/** The arguments of a list's query that narrow it. */
export const filterArguments: readonly string[] = [
  ...Object.keys(filters),
  'conductor',
  'include_children',
  'parent_node',
];

function knownFault(query: Query): string | undefined {
  const fault = query.text('fault');
  const known: readonly string[] = nodeFields.fault.values;
  if (fault === undefined || known.includes(fault)) return fault;
  throw new InvalidParameterValue(`"${fault}" is no fault of a node; there are: ${known.join(', ')}.`);
}

function knownState(query: Query): ProvisionState | undefined {
  const state = query.text('provision_state');
  if (state === undefined || isProvisionState(state)) return state;
  throw new InvalidParameterValue(`Provision state "${state}" is not valid`);
}

/**
 * What the query asks of the nodes. Throws Invalid (400) for a value that cannot be one, NotAcceptable (406) for a
 * filter that the microversion does not have yet.
 */
export async function readFilter(call: Call): Promise<NodeFilter> {
  const { query } = call;
  const filter: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(filters)) {
    if (!query.has(name)) continue;
    filter[name] = row.read(query);
    if (call.minor < row.since) throw new NotAcceptable();
  }
  await checkChassis(call, filter['chassis_uuid']);
  // Built by the very table whose rows give each name its own type.
  return { ...(filter as NodeFilter), ...(await parentage(call)) };
}

/** Throws ChassisNotFound (404). */
async function checkChassis(call: Call, uuid: unknown): Promise<void> {
  if (typeof uuid !== 'string' || (await readChassis(call.parts.store.read, uuid))) return;
  throw new ChassisNotFound({ chassis: uuid });
}

/** Children are part of their parents and not listed, unless asked for. */
async function parentage(call: Call): Promise<Pick<NodeFilter, 'parent_node'>> {
  const { query } = call;
  const includesChildren = query.boolean('include_children');
  const parent = query.text('parent_node');
  if (includesChildren === undefined && parent === undefined) return { parent_node: null };
  if (!call.has('childNodes')) throw new NotAcceptable();
  if (parent !== undefined) return { parent_node: (await findNodeRow(call, parent)).uuid };
  return includesChildren ? {} : { parent_node: null };
}

/** The host name of the conductor that the nodes must belong to. Throws NotAcceptable (406) below 1.49. */
export function readConductorFilter(call: Call): string | undefined {
  const conductor = call.query.text('conductor');
  if (conductor !== undefined && !call.has('conductors')) throw new NotAcceptable();
  return conductor;
}
