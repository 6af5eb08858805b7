// From what a path names to a node of the store.
import { nodeOfRow } from '#db/nodes.ts';
import type { NodeRow } from '#db/tables.ts';
import { NodeNotFound } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { readNodeRow } from '#db/node-list.ts';
import type { Call } from '../call.ts';
import { canonicalUuid, isLogicalName } from '../identity.ts';
import { RoutingError } from '../wire-error.ts';

/** The loosest rule for names: what fits neither it nor a UUID is turned away by the router already. */
const loosest = 10;

/**
 * The row of the node that a UUID or a name stands for. Throws RoutingError (400) for what can be neither,
 * NodeNotFound (404) where there is no such node, or names do not count yet (below 1.5).
 */
export async function findNodeRow(
  call: Call,
  ident: string,
  options: { suffix?: boolean } = {},
): Promise<NodeRow> {
  const uuid = canonicalUuid(ident);
  if (uuid !== undefined) {
    const row = await readNodeRow(call.parts.store.read, 'uuid', uuid);
    if (row) return row;
    throw new NodeNotFound({ node: ident });
  }
  if (!isLogicalName(ident, loosest))
    throw new RoutingError(400, `Expected a UUID or a name of a node: ${ident}`);
  if (!call.has('nodeNames')) throw new NodeNotFound({ node: ident });
  const names = options.suffix && call.hadJsonSuffix ? [ident, `${ident}.json`] : [ident];
  for (const name of names) {
    const row = await readNodeRow(call.parts.store.read, 'name', name);
    if (row) return row;
  }
  throw new NodeNotFound({ node: ident });
}

/** As `findNodeRow`, of the path's `:node`, as a record. `suffix`: a name ending in `.json` is tried too. */
export async function findNode(call: Call, options: { suffix?: boolean } = {}): Promise<NodeRecord> {
  return nodeOfRow(await findNodeRow(call, call.param('node'), options));
}
