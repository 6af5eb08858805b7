import type { Reader, Transaction } from './store.ts';

/** What an inspection found, as GET /v1/nodes/X/inventory shows it. */
export interface StoredInventory {
  inventory: Record<string, unknown>;
  plugin_data: Record<string, unknown>;
}

/** Ensures that this is the node's inventory; what was stored before is replaced. */
export async function putInventory(
  transaction: Transaction,
  nodeUuid: string,
  found: StoredInventory,
  now: string,
): Promise<void> {
  const row = {
    inventory: JSON.stringify(found.inventory),
    plugin_data: JSON.stringify(found.plugin_data),
    created_at: now,
  };
  await transaction
    .insertInto('node_inventory')
    .values({ ...row, node_uuid: nodeUuid })
    .onConflict((conflict) => conflict.column('node_uuid').doUpdateSet(row))
    .execute();
}

export async function readInventory(reader: Reader, nodeUuid: string): Promise<StoredInventory | undefined> {
  const row = await reader
    .selectFrom('node_inventory')
    .select(['inventory', 'plugin_data'])
    .where('node_uuid', '=', nodeUuid)
    .executeTakeFirst();
  return row && { inventory: JSON.parse(row.inventory), plugin_data: JSON.parse(row.plugin_data) };
}
