// The conductor's side of the calls that only keep nodes, without drivers, so that the API can be tested alone.
import { deleteNode, insertNode, readNode, updateNode } from '#db/nodes.ts';
import type { Store } from '#db/store.ts';
import { wireTime } from '#model/clock.ts';
import { DuplicateName, InstanceAssociated, NodeAlreadyExists, NodeNotFound } from '#model/faults.ts';
import { interfaceTypes } from '#model/power-states.ts';
import type { ConductorHandlers } from '#protocol/rpc.ts';

const defaults = Object.fromEntries(interfaceTypes.map((type) => [`${type}_interface`, 'fake']));

export function nodeKeeper(store: Store): ConductorHandlers {
  const keeper: Partial<ConductorHandlers> = {
    create_node: async ({ node }) =>
      await named(
        node,
        async () =>
          await store.write(
            async (transaction) =>
              await insertNode(transaction, {
                ...defaults,
                ...node,
                network_interface: node.network_interface ?? 'noop',
                storage_interface: node.storage_interface ?? 'noop',
                created_at: wireTime(Date.now()),
              }),
          ),
      ),
    update_node: async ({ node, patch }) =>
      await named({ ...patch, uuid: node }, async () => {
        const updated = await store.write(
          async (transaction) =>
            await updateNode(transaction, node, { ...patch, updated_at: wireTime(Date.now()) }),
        );
        if (!updated) throw new NodeNotFound({ node });
        return updated;
      }),
    destroy_node: async ({ node }) => {
      if (!(await readNode(store.read, node))) throw new NodeNotFound({ node });
      await store.write(async (transaction) => await deleteNode(transaction, node));
    },
  };
  // Calls outside this list are not this API's to make in these tests, and fail loudly as missing functions.
  return keeper as ConductorHandlers;
}

interface Named {
  uuid: string;
  name?: string | null;
  instance_uuid?: string | null;
}

/** Runs a write, and says which of the node's names was taken when the store refuses it for that. */
async function named<T>(node: Named, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const text = String(cause);
    if (text.includes('nodes.name')) throw new DuplicateName({ name: node.name ?? '' }, { cause });
    if (text.includes('nodes.uuid')) throw new NodeAlreadyExists({ uuid: node.uuid }, { cause });
    if (text.includes('nodes.instance_uuid'))
      throw new InstanceAssociated({ instance_uuid: node.instance_uuid ?? '', node: node.uuid }, { cause });
    throw cause;
  }
}
