// Reads of nodes for answers: one row by what names it, and lists by filter, order and page.
import { type ExpressionBuilder, type ExpressionWrapper, type SqlBool } from 'kysely';
import type { ProvisionState } from '#model/provision-states.ts';
import { contains } from './contains.ts';
import { isBehind, pageOrder } from './keyset-page.ts';
import type { Reader } from './store.ts';
import type { NodeRow, Tables } from './tables.ts';

/** The row of the node with this UUID or name, or undefined. */
export async function readNodeRow(
  reader: Reader,
  by: 'uuid' | 'name',
  value: string,
): Promise<NodeRow | undefined> {
  return await reader.selectFrom('nodes').selectAll().where(by, '=', value).executeTakeFirst();
}

/** What the nodes of a list have in common. Each that is given narrows the list. */
export interface NodeFilter {
  /** Whether an instance is on them. */
  associated?: boolean | undefined;
  chassis_uuid?: string | undefined;
  conductor_group?: string | undefined;
  description_contains?: string | undefined;
  driver?: string | undefined;
  fault?: string | undefined;
  instance_name?: string | undefined;
  instance_uuid?: string | undefined;
  lessee?: string | undefined;
  maintenance?: boolean | undefined;
  owner?: string | undefined;
  /** Null: nodes without a parent. */
  parent_node?: string | null | undefined;
  /** The owner or the lessee. */
  project?: string | undefined;
  provision_state?: ProvisionState | undefined;
  resource_class?: string | undefined;
  retired?: boolean | undefined;
  /** Any of these. */
  shard?: readonly string[] | undefined;
  /** Whether they are in any shard. */
  sharded?: boolean | undefined;
}

export type NodeSortKey = keyof NodeRow;

export interface NodePage {
  columns: readonly (keyof NodeRow)[];
  filter: NodeFilter;
  sortKey: NodeSortKey;
  descending: boolean;
  /** The row after which the page begins. */
  after?: NodeRow;
  /** Absent: all that are left. */
  limit?: number;
}

/** The rows of a page, with the columns that were asked for. */
export async function listNodeRows(reader: Reader, page: NodePage): Promise<Partial<NodeRow>[]> {
  const { after, sortKey, descending, limit } = page;
  let query = reader.selectFrom('nodes').select([...page.columns]);
  query = query.where((nodes) => nodes.and(conditions(nodes, page.filter)));
  if (after) query = query.where(isBehind(sortKey, { id: after.id, key: after[sortKey] }, descending));
  query = query.orderBy(pageOrder(sortKey, descending));
  if (limit !== undefined) query = query.limit(limit);
  return await query.execute();
}

type Nodes = ExpressionBuilder<Tables, 'nodes'>;
type Condition = ExpressionWrapper<Tables, 'nodes', SqlBool>;

/** One row per filter. */
const conditionOf: {
  [Name in keyof NodeFilter]-?: (nodes: Nodes, value: Exclude<NodeFilter[Name], undefined>) => Condition;
} = {
  associated: (nodes, value) => nodes('instance_uuid', value ? 'is not' : 'is', null),
  chassis_uuid: (nodes, value) => nodes('chassis_uuid', '=', value),
  conductor_group: (nodes, value) => nodes('conductor_group', '=', value),
  description_contains: (nodes, value) => nodes.and([contains('description', value)]),
  driver: (nodes, value) => nodes('driver', '=', value),
  fault: (nodes, value) => nodes(nodes.cast<string>('fault', 'text'), '=', value),
  instance_name: (nodes, value) => nodes('instance_name', '=', value),
  instance_uuid: (nodes, value) => nodes('instance_uuid', '=', value),
  lessee: (nodes, value) => nodes('lessee', '=', value),
  maintenance: (nodes, value) => nodes('maintenance', '=', Number(value)),
  owner: (nodes, value) => nodes('owner', '=', value),
  parent_node: (nodes, value) =>
    value === null ? nodes('parent_node', 'is', null) : nodes('parent_node', '=', value),
  project: (nodes, value) => nodes.or([nodes('owner', '=', value), nodes('lessee', '=', value)]),
  provision_state: (nodes, value) => nodes('provision_state', '=', value),
  resource_class: (nodes, value) => nodes('resource_class', '=', value),
  retired: (nodes, value) => nodes('retired', '=', Number(value)),
  shard: (nodes, value) => nodes('shard', 'in', value),
  sharded: (nodes, value) => nodes('shard', value ? 'is not' : 'is', null),
};

function conditions(nodes: Nodes, filter: NodeFilter): Condition[] {
  return Object.entries(filter).flatMap(([name, value]) => {
    if (value === undefined) return [];
    // Each name's function takes that name's own value, which Object.entries forgets.
    const condition = conditionOf[name as keyof NodeFilter] as (nodes: Nodes, value: unknown) => Condition;
    return [condition(nodes, value)];
  });
}
