import { decode, encode } from './columns.ts';
import type { Reader, Transaction } from './store.ts';
import { eventColumns } from './tables.ts';

/** Something that happened to a node. Written in the transaction that made it happen; `id` is the stream's cursor. */
export interface EventRecord {
  readonly id: number;
  readonly at: string;
  readonly kind: EventKind;
  readonly node_uuid: string | null;
  readonly operation_id: string | null;
  readonly request_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export type EventKind =
  | 'node.created'
  | 'node.updated'
  | 'node.deleted'
  | 'provision.transition'
  | 'power.changed'
  | 'maintenance.changed'
  | 'operation.started'
  | 'operation.finished'
  | 'step.started'
  | 'step.finished'
  | 'step.progress';

export async function addEvent(transaction: Transaction, event: Omit<EventRecord, 'id'>): Promise<void> {
  const row = encode<EventRecord, typeof eventColumns>(eventColumns, event);
  // Every member but the number is given by the type of `event`.
  await transaction
    .insertInto('events')
    .values(row as Required<typeof row>)
    .execute();
}

/** Events after the cursor, oldest first, at most `limit`. */
export async function readEvents(
  reader: Reader,
  filter: { after: number; limit: number; nodeUuid?: string },
): Promise<EventRecord[]> {
  let query = reader.selectFrom('events').selectAll().where('id', '>', filter.after);
  if (filter.nodeUuid !== undefined) query = query.where('node_uuid', '=', filter.nodeUuid);
  const rows = await query.orderBy('id').limit(filter.limit).execute();
  return rows.map((row) => decode<EventRecord, typeof eventColumns>(eventColumns, row));
}

/** Ensures that no more than the newest `keep` events stay. */
export async function trimEvents(transaction: Transaction, keep: number): Promise<void> {
  const newest = await transaction
    .selectFrom('events')
    .select((query) => query.fn.max('id').as('id'))
    .executeTakeFirst();
  if (newest?.id)
    await transaction
      .deleteFrom('events')
      .where('id', '<=', newest.id - keep)
      .execute();
}
