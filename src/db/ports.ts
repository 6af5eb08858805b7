import type { NewPort, PortPatch, PortRecord } from '#model/port-record.ts';
import { decode, encode } from './columns.ts';
import type { Reader, Transaction } from './store.ts';
import { type NewRow, portColumns, type PortRow } from './tables.ts';

export const portOfRow = (row: PortRow): PortRecord =>
  decode<PortRecord, typeof portColumns>(portColumns, row);

export async function readPort(reader: Reader | Transaction, uuid: string): Promise<PortRecord | undefined> {
  const row = await reader.selectFrom('ports').selectAll().where('uuid', '=', uuid).executeTakeFirst();
  return row && portOfRow(row);
}

/** The ports of a node, in the order they were made. */
export async function readPortsOfNode(reader: Reader | Transaction, nodeUuid: string): Promise<PortRecord[]> {
  const rows = await reader
    .selectFrom('ports')
    .selectAll()
    .where('node_uuid', '=', nodeUuid)
    .orderBy('id')
    .execute();
  return rows.map(portOfRow);
}

/** The ports that have one of these MAC addresses (lower case). */
export async function readPortsByAddress(
  reader: Reader | Transaction,
  addresses: readonly string[],
): Promise<PortRecord[]> {
  if (addresses.length === 0) return [];
  const rows = await reader.selectFrom('ports').selectAll().where('address', 'in', addresses).execute();
  return rows.map(portOfRow);
}

/** Stores a new port. Throws the database's error when its UUID, address or name is taken. */
export async function insertPort(
  transaction: Transaction,
  port: NewPort & { created_at: string },
): Promise<PortRecord> {
  const row = encode<PortRecord, typeof portColumns>(portColumns, port);
  const stored = await transaction
    .insertInto('ports')
    .values(row as NewRow<'ports'>) // NewPort has what the table does not default.
    .returningAll()
    .executeTakeFirstOrThrow();
  return portOfRow(stored);
}

export async function updatePort(
  transaction: Transaction,
  uuid: string,
  changes: PortPatch & { updated_at: string },
): Promise<PortRecord | undefined> {
  const row = await transaction
    .updateTable('ports')
    .set(encode<PortRecord, typeof portColumns>(portColumns, changes))
    .where('uuid', '=', uuid)
    .returningAll()
    .executeTakeFirst();
  return row && portOfRow(row);
}

export async function deletePort(transaction: Transaction, uuid: string): Promise<void> {
  await transaction.deleteFrom('ports').where('uuid', '=', uuid).execute();
}
