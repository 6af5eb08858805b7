import { readNodeRow } from '#db/node-list.ts';
import { NodeNotFound } from '#model/faults.ts';
import type { Call } from '../call.ts';
import { canonicalUuid } from '../identity.ts';

/** The UUID of the node that the path names, by UUID or name, in every microversion. Throws NodeNotFound. */
export async function nodeUuidOf(call: Call): Promise<string> {
  const ident = call.param('node');
  const uuid = canonicalUuid(ident);
  const { read } = call.parts.store;
  const row = await (uuid === undefined ? readNodeRow(read, 'name', ident) : readNodeRow(read, 'uuid', uuid));
  if (row) return row.uuid;
  throw new NodeNotFound({ node: ident });
}
