import { ChassisAlreadyExists, ChassisNotEmpty, ChassisNotFound } from '#model/faults.ts';
import type { ChassisPatch, ChassisRecord } from '#model/chassis-record.ts';
import { decode, encode } from './columns.ts';
import { violatedColumn } from './constraint.ts';
import type { Reader, Store, Transaction } from './store.ts';
import { chassisColumns, type NewRow, type Tables } from './tables.ts';

type ChassisColumn = keyof ChassisRecord & keyof Tables['chassis'];

const ofRow = (row: Parameters<typeof decode<ChassisRecord, typeof chassisColumns>>[1]): ChassisRecord =>
  decode<ChassisRecord, typeof chassisColumns>(chassisColumns, row);

/** The chassis of a UUID, or undefined. */
export async function readChassis(
  reader: Reader | Transaction,
  uuid: string,
): Promise<ChassisRecord | undefined> {
  const row = await reader.selectFrom('chassis').selectAll().where('uuid', '=', uuid).executeTakeFirst();
  return row && ofRow(row);
}

export interface ChassisPage {
  sortKey: Exclude<ChassisColumn, 'extra'>;
  descending: boolean;
  after?: ChassisRecord;
  limit: number;
}

/** A page of all chassis. */
export async function listChassis(reader: Reader, page: ChassisPage): Promise<ChassisRecord[]> {
  const direction = page.descending ? 'desc' : 'asc';
  const rows = await reader
    .selectFrom('chassis')
    .selectAll()
    .orderBy(page.sortKey, direction)
    .orderBy('id', direction)
    .execute();
  // Chassis are few: racks, not machines. What stands before the page is left out here.
  const all = rows.map(ofRow);
  const from = page.after ? all.findIndex(({ id }) => id === page.after?.id) + 1 : 0;
  return all.slice(from, from + page.limit);
}

/** Tells of a change in its transaction. */
export type TellOfChassis = (transaction: Transaction, chassis: ChassisRecord) => Promise<void>;

/** Stores a new chassis. Throws ChassisAlreadyExists. */
export async function insertChassis(
  store: Store,
  chassis: Omit<ChassisRecord, 'id' | 'updated_at'>,
  tell: TellOfChassis,
): Promise<ChassisRecord> {
  try {
    return await store.write(async (transaction) => {
      const row = encode<ChassisRecord, typeof chassisColumns>(chassisColumns, chassis);
      const stored = await transaction
        .insertInto('chassis')
        .values(row as NewRow<'chassis'>) // A new chassis has all but what the table makes.
        .returningAll()
        .executeTakeFirstOrThrow();
      await tell(transaction, ofRow(stored));
      return ofRow(stored);
    });
  } catch (cause) {
    if (violatedColumn(cause) === 'chassis.uuid')
      throw new ChassisAlreadyExists({ uuid: chassis.uuid }, { cause });
    throw cause;
  }
}

/**
 * Changes a chassis to what `change` makes of it as it is in this very transaction, so that of two changes at once none
 * undoes the other. Throws ChassisNotFound, and what `change` throws.
 */
export async function updateChassis(
  store: Store,
  uuid: string,
  change: (before: ChassisRecord) => ChassisPatch & { updated_at: string },
  tell: TellOfChassis,
): Promise<ChassisRecord> {
  return await store.write(async (transaction) => {
    const before = await readChassis(transaction, uuid);
    if (!before) throw new ChassisNotFound({ chassis: uuid });
    const row = await transaction
      .updateTable('chassis')
      .set(encode<ChassisRecord, typeof chassisColumns>(chassisColumns, change(before)))
      .where('uuid', '=', uuid)
      .returningAll()
      .executeTakeFirst();
    if (!row) throw new ChassisNotFound({ chassis: uuid });
    await tell(transaction, ofRow(row));
    return ofRow(row);
  });
}

/** Removes a chassis that no node stands in. Throws ChassisNotFound, ChassisNotEmpty. */
export async function deleteChassis(store: Store, uuid: string, tell: TellOfChassis): Promise<void> {
  await store.write(async (transaction) => {
    const node = await transaction
      .selectFrom('nodes')
      .select('id')
      .where('chassis_uuid', '=', uuid)
      .limit(1)
      .executeTakeFirst();
    if (node) throw new ChassisNotEmpty({ chassis: uuid });
    const row = await transaction
      .deleteFrom('chassis')
      .where('uuid', '=', uuid)
      .returningAll()
      .executeTakeFirst();
    if (!row) throw new ChassisNotFound({ chassis: uuid });
    await tell(transaction, ofRow(row));
  });
}
