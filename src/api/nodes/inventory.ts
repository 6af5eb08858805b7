// GET /v1/nodes/{node}/inventory: what the last inspection found in a machine.
import { readInventory } from '#db/inventory.ts';
import { NodeInventoryNotFound } from '#model/faults.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { noArguments } from '../query.ts';
import { findNode } from './find-node.ts';

export async function showInventory(call: Call): Promise<Answer> {
  call.query.allowOnly(noArguments);
  const node = await findNode(call);
  const found = await readInventory(call.parts.store.read, node.uuid);
  if (!found) throw new NodeInventoryNotFound({ node: node.uuid });
  return ok(JSON.stringify(found));
}
