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
  const { insertId } = await transaction.insertInto('node_history').values(line).executeTakeFirstOrThrow();
  // Looked at every sixteenth line only: the limit is a bound on growth, not a promise to the line.
  if (maxEntries === 0 || (insertId ?? 0n) % 16n !== 0n) return;
  await transaction
    .deleteFrom('node_history')
    .where('node_uuid', '=', line.node_uuid)
    .where('id', 'not in', (query) =>
      query
        .selectFrom('node_history')
        .select('id')
        .where('node_uuid', '=', line.node_uuid)
        .orderBy('id', 'desc')
        .limit(maxEntries),
    )
    .execute();
}
