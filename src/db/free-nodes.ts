// The nodes that nobody holds, as periodic tasks look for them.
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { NodeRecord } from '#model/node-record.ts';
import type { NodeFault } from '#model/power-states.ts';
import type { ProvisionState, WaitStart } from '#model/provision-states.ts';
import { nodeOfRow } from './nodes.ts';
import type { NodePlace } from './ring.ts';
import type { Reader } from './store.ts';
import type { Tables } from './tables.ts';

/** What the nodes have in common besides being free. Each that is given narrows the list. */
export interface FreeNodeFilter {
  readonly driver?: string;
  readonly fault?: NodeFault;
  readonly maintenance?: boolean;
  readonly states?: readonly ProvisionState[];
  /** No change of their power state is under way. */
  readonly isPowerSettled?: true;
  /** They wait since before this time, which is written as on the wire. */
  readonly since?: { readonly field: WaitStart; readonly before: string };
  /** Another conductor, or none, is the one that prepared them. */
  readonly notPreparedBy?: string;
}

/** The free nodes, with what tells whose they are. */
export async function readFreeNodes(reader: Reader, filter: FreeNodeFilter): Promise<NodePlace[]> {
  return await reader
    .selectFrom('nodes')
    .select(['uuid', 'driver', 'conductor_group'])
    .where((nodes) => nodes.and(conditions(nodes, filter)))
    .execute();
}

/** So many whole records are read at a time: more would hold up who else wants to read. */
const nodesPerPage = 100;

/** The free nodes, whole, page by page: the next page is read when the last was taken. */
export async function* readFreeNodePages(
  reader: Reader,
  filter: FreeNodeFilter,
): AsyncGenerator<NodeRecord[]> {
  for (let after = 0; ;) {
    const rows = await reader
      .selectFrom('nodes')
      .selectAll()
      .where('id', '>', after)
      .where((nodes) => nodes.and(conditions(nodes, filter)))
      .orderBy('id')
      .limit(nodesPerPage)
      .execute();
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
    yield rows.map(nodeOfRow);
  }
}

type Nodes = ExpressionBuilder<Tables, 'nodes'>;

function conditions(nodes: Nodes, filter: FreeNodeFilter): Expression<SqlBool>[] {
  const { driver, fault, maintenance, states, since } = filter;
  return [
    nodes('reservation', 'is', null),
    ...(driver === undefined ? [] : [nodes('driver', '=', driver)]),
    ...(fault === undefined ? [] : [nodes('fault', '=', fault)]),
    ...(maintenance === undefined ? [] : [nodes('maintenance', '=', Number(maintenance))]),
    ...(states === undefined ? [] : [nodes('provision_state', 'in', states)]),
    ...(filter.isPowerSettled ? [nodes('target_power_state', 'is', null)] : []),
    ...(since === undefined ? [] : [nodes(since.field, '<', since.before)]),
    ...(filter.notPreparedBy === undefined ? [] : [preparedByAnother(nodes, filter.notPreparedBy)]),
  ];
}

function preparedByAnother(nodes: Nodes, hostname: string): Expression<SqlBool> {
  return nodes.or([nodes('conductor_affinity', 'is', null), nodes('conductor_affinity', '!=', hostname)]);
}
