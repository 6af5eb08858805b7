import type { OperationRecord } from '#protocol/operation.ts';
import { decode, encode } from './columns.ts';
import type { Reader, Transaction } from './store.ts';
import { operationColumns } from './tables.ts';

type OperationRow = Parameters<typeof decode<OperationRecord, typeof operationColumns>>[1];

const operationOfRow = (row: OperationRow): OperationRecord =>
  decode<OperationRecord, typeof operationColumns>(operationColumns, row);

/** Stores a new operation. A second open one on the same node is refused by the database. */
export async function insertOperation(transaction: Transaction, operation: OperationRecord): Promise<void> {
  const row = encode<OperationRecord, typeof operationColumns>(operationColumns, operation);
  await transaction
    .insertInto('operations')
    .values(row as OperationRow)
    .execute(); // The record is whole.
}

export async function updateOperation(
  transaction: Transaction,
  id: string,
  changes: Partial<Omit<OperationRecord, 'id'>>,
): Promise<void> {
  const row = encode<OperationRecord, typeof operationColumns>(operationColumns, changes);
  await transaction.updateTable('operations').set(row).where('id', '=', id).execute();
}

/** The open operation of a node, or undefined. A power change is not one of these: it may come while another waits. */
export async function readOpenOperation(
  reader: Reader | Transaction,
  nodeUuid: string,
): Promise<OperationRecord | undefined> {
  const row = await reader
    .selectFrom('operations')
    .selectAll()
    .where('node_uuid', '=', nodeUuid)
    .where('finished_at', 'is', null)
    .where('kind', '!=', 'power')
    .executeTakeFirst();
  return row && operationOfRow(row);
}

/** Every open operation of any node, oldest first. */
export async function readOpenOperations(reader: Reader): Promise<OperationRecord[]> {
  const rows = await reader
    .selectFrom('operations')
    .selectAll()
    .where('finished_at', 'is', null)
    .orderBy('created_at')
    .execute();
  return rows.map(operationOfRow);
}

/** A node's operations, newest first. */
export async function readOperations(
  reader: Reader,
  nodeUuid: string,
  limit: number,
): Promise<OperationRecord[]> {
  const rows = await reader
    .selectFrom('operations')
    .selectAll()
    .where('node_uuid', '=', nodeUuid)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map(operationOfRow);
}

/** Ensures that of a node's finished operations only the newest `keep` stay. */
export async function trimOperations(
  transaction: Transaction,
  nodeUuid: string,
  keep: number,
): Promise<void> {
  await transaction
    .deleteFrom('operations')
    .where('node_uuid', '=', nodeUuid)
    .where('finished_at', 'is not', null)
    .where('id', 'not in', (query) =>
      query
        .selectFrom('operations')
        .select('id')
        .where('node_uuid', '=', nodeUuid)
        .orderBy('created_at', 'desc')
        .limit(keep),
    )
    .execute();
}
