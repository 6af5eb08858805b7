import type { NewNode, NodeRecord } from '#model/node-record.ts';
import { decode, encode } from './columns.ts';
import type { Reader, Transaction } from './store.ts';
import { type NewRow, nodeColumns, type NodeRow } from './tables.ts';

/** What a write to a node may carry: columns to replace, and members to merge into `driver_internal_info`. */
export type NodeColumns = Partial<Omit<NodeRecord, 'id' | 'uuid' | 'driver_internal_info'>> & {
  /** Merged: null takes a member away, the others stay. */
  driver_internal_info?: Readonly<Record<string, unknown>>;
};

export const nodeOfRow = (row: NodeRow): NodeRecord =>
  decode<NodeRecord, typeof nodeColumns>(nodeColumns, row);

/** The node of a UUID, or undefined. */
export async function readNode(reader: Reader | Transaction, uuid: string): Promise<NodeRecord | undefined> {
  const row = await reader.selectFrom('nodes').selectAll().where('uuid', '=', uuid).executeTakeFirst();
  return row && nodeOfRow(row);
}

/** The nodes whose `parent_node` is this one, by UUID. */
export async function readChildNodes(
  reader: Reader | Transaction,
  parentUuid: string,
): Promise<NodeRecord[]> {
  const query = reader.selectFrom('nodes').selectAll().where('parent_node', '=', parentUuid);
  return (await query.orderBy('uuid').execute()).map(nodeOfRow);
}

/** Stores a new node. Throws the database's error when its UUID, name or instance UUID is taken. */
export async function insertNode(
  transaction: Transaction,
  node: NewNode & { created_at: string },
): Promise<NodeRecord> {
  const row = encode<NodeRecord, typeof nodeColumns>(nodeColumns, node);
  const stored = await transaction
    .insertInto('nodes')
    .values(row as NewRow<'nodes'>) // NewNode has what the table does not default.
    .returningAll()
    .executeTakeFirstOrThrow();
  return nodeOfRow(stored);
}

/** The columns of a write, with `driver_internal_info` merged into what is stored within the same transaction. */
export async function columnsToWrite(
  transaction: Transaction,
  uuid: string,
  changes: NodeColumns,
): Promise<Partial<NodeRow>> {
  const { driver_internal_info: merge, ...columns } = changes;
  const row = encode<NodeRecord, typeof nodeColumns>(nodeColumns, columns);
  if (!merge || Object.keys(merge).length === 0) return row;
  const stored = await transaction
    .selectFrom('nodes')
    .select('driver_internal_info')
    .where('uuid', '=', uuid)
    .executeTakeFirst();
  const merged: Record<string, unknown> = stored ? JSON.parse(stored.driver_internal_info) : {};
  for (const [name, value] of Object.entries(merge)) {
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = value;
  }
  return { ...row, driver_internal_info: JSON.stringify(merged) };
}

/** Writes to a node that nobody needs to hold for it; gives it as it then is, or undefined when it is gone. */
export async function updateNode(
  transaction: Transaction,
  uuid: string,
  changes: NodeColumns,
): Promise<NodeRecord | undefined> {
  const row = await transaction
    .updateTable('nodes')
    .set(await columnsToWrite(transaction, uuid, changes))
    .where('uuid', '=', uuid)
    .returningAll()
    .executeTakeFirst();
  return row && nodeOfRow(row);
}

/**
 * The node, or undefined, read in such a way that it stays so until the commit. What only reads a row is not stopped by
 * one that changes it at the same time, and may decide by what is no longer so.
 */
export async function keepNode(transaction: Transaction, uuid: string): Promise<NodeRecord | undefined> {
  const row = await transaction
    .updateTable('nodes')
    .set((columns) => ({ reservation: columns.ref('reservation') }))
    .where('uuid', '=', uuid)
    .returningAll()
    .executeTakeFirst();
  return row && nodeOfRow(row);
}

/** Removes the node with its ports, history, inventory and operations. */
export async function deleteNode(transaction: Transaction, uuid: string): Promise<void> {
  await transaction.deleteFrom('operations').where('node_uuid', '=', uuid).execute();
  await transaction.deleteFrom('nodes').where('uuid', '=', uuid).execute();
}
