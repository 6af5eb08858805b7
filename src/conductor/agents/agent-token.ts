import { randomBytes } from 'node:crypto';
import { readNode, updateNode } from '#db/nodes.ts';
import { NodeNotFound } from '#model/faults.ts';
import { mask } from '#model/secrets.ts';
import type { ConductorCalls } from '#protocol/rpc.ts';
import type { ConductorParts } from '../parts.ts';

/** The node's token, to hand out once: to the agent that asks first. */
export async function nodeWithToken(
  parts: ConductorParts,
  uuid: string,
): Promise<ConductorCalls['get_node_with_token']['result']> {
  const known = await readNode(parts.store.read, uuid);
  if (known && 'agent_secret_token' in known.driver_internal_info) return { node: known, token: mask };
  const token = randomBytes(32).toString('base64url');
  return await parts.store.write(async (transaction) => {
    const node = await readNode(transaction, uuid);
    if (!node) throw new NodeNotFound({ node: uuid });
    if ('agent_secret_token' in node.driver_internal_info) return { node, token: mask };
    const columns = { driver_internal_info: { agent_secret_token: token } };
    return { node: (await updateNode(transaction, uuid, columns)) ?? node, token };
  });
}
