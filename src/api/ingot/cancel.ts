// POST /ingot/v1/nodes/{node}/cancel: ends an operation that waits, also where the node's provision state has no verb for it.
import { readNode } from '#db/nodes.ts';
import { NodeNotFound } from '#model/faults.ts';
import { accepted, type Answer, type Call } from '../call.ts';
import { noArguments } from '../query.ts';
import { nodeUuidOf } from './seen-nodes.ts';

/** Throws NothingToCancel (409) when nothing waits, or what waits has begun what has to be ended first. */
export async function cancelOperation(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const uuid = await nodeUuidOf(call);
  const node = await readNode(call.parts.store.read, uuid);
  if (!node) throw new NodeNotFound({ node: uuid });
  await call.conductorOf(node, 'cancel_operation', { node: uuid });
  return accepted();
}
