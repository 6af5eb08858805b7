// Which nodes the sender of a request may see: who may list all nodes sees every one, others those of their project.
import { readNodeRow } from '#db/node-list.ts';
import type { NodeRow } from '#db/tables.ts';
import { HTTPForbidden, NodeNotFound } from '#model/faults.ts';
import type { Call } from '../call.ts';
import { canonicalUuid } from '../identity.ts';

/** The UUID of the node that the path names, by UUID or name, in every microversion. Throws as `seenNode`. */
export async function nodeUuidOf(call: Call): Promise<string> {
  return (await seenNode(call, call.param('node'))).uuid;
}

/** Throws NodeNotFound, also for a node that the sender may not see: whether there is one is not theirs to know. */
export async function seenNode(call: Call, ident: string): Promise<NodeRow> {
  const { read } = call.parts.store;
  const project = await projectOf(call);
  const uuid = canonicalUuid(ident);
  const row = await (uuid === undefined ? readNodeRow(read, 'name', ident) : readNodeRow(read, 'uuid', uuid));
  if (row && (project === null || row.owner === project || row.lessee === project)) return row;
  throw new NodeNotFound({ node: ident });
}

/** The project whose nodes, owned or leased, are all that the sender may see; null for every node. Throws HTTPForbidden. */
export async function projectOf(call: Call): Promise<string | null> {
  try {
    await call.check('baremetal:node:list_all');
    return null;
  } catch (error) {
    if (!(error instanceof HTTPForbidden) || call.projectId === null) throw error;
    return call.projectId;
  }
}
