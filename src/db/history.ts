import type { Transaction } from './store.ts';

/** One line of a node's history, as GET /v1/nodes/X/history shows it. */
export interface HistoryRecord {
  readonly id: number;
  readonly uuid: string;
  readonly node_uuid: string;
  readonly created_at: string;
  readonly conductor: string | null;
  readonly severity: 'ERROR' | 'INFO' | null;
  readonly event_type: string | null;
  readonly event: string | null;
  readonly user: string | null;
}

/** Adds a line, and takes the oldest away beyond `maxEntries` ([conductor]node_history_max_entries; 0: no limit). */
export async function addHistory(
  transaction: Transaction,
  line: Omit<HistoryRecord, 'id'>,
  maxEntries: number,
): Promise<void> {
  await transaction.insertInto('node_history').values(line).execute();
  if (maxEntries === 0) return;
  await transaction
    .deleteFrom('node_history')
    .where('node_uuid', '=', line.node_uuid)
    // Of the newest one that is too many, when there is one: a walk along the index.
    .where('id', '<=', (query) =>
      query
        .selectFrom('node_history')
        .select('id')
        .where('node_uuid', '=', line.node_uuid)
        .orderBy('id', 'desc')
        .limit(1)
        .offset(maxEntries),
    )
    .execute();
}
