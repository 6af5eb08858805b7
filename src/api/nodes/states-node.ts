// The node that a verb is for: /v1/nodes/{node}/states, maintenance, management, validate.
import { nodeOfRow } from '#db/nodes.ts';
import { InvalidUuidOrName } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { Call } from '../call.ts';
import { canonicalUuid, isLogicalName } from '../identity.ts';
import { findNodeRow } from './find-node.ts';

/** The microversion of the loosest rule for names: what fits neither it nor a UUID names nothing. */
const loosest = 10;

/**
 * The node. Throws InvalidUuidOrName (400) for what can be neither a UUID nor a name: here, unlike for the node
 * itself, the handler tells it and not the router (observed). Throws NodeNotFound (404) otherwise.
 */
export async function findNodeForVerb(call: Call, ident = call.param('node')): Promise<NodeRecord> {
  if (canonicalUuid(ident) === undefined && !isLogicalName(ident, loosest))
    throw new InvalidUuidOrName({ name: ident });
  return nodeOfRow(await findNodeRow(call, ident));
}
