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

/**
 * Takes away at most `limit` lines that are older than `before` and that their nodes have beyond the newest `keep`;
 * gives how many.
 */
export async function trimHistory(
  transaction: Transaction,
  { keep, before, limit }: { keep: number; before: string; limit: number },
): Promise<number> {
  const nodes = await transaction
    .selectFrom('node_history')
    .select('node_uuid')
    .groupBy('node_uuid')
    .having((lines) => lines.fn.countAll<number>(), '>', keep)
    .having((lines) => lines.fn.min('created_at'), '<', before)
    .limit(limit)
    .execute();
  let removed = 0;
  for (const { node_uuid } of nodes) {
    if (removed >= limit) break;
    const newest = await transaction
      .selectFrom('node_history')
      .select('id')
      .where('node_uuid', '=', node_uuid)
      .orderBy('id', 'desc')
      .limit(1)
      .offset(keep)
      .executeTakeFirst();
    if (!newest) continue;
    const lines = await transaction
      .selectFrom('node_history')
      .select('id')
      .where('node_uuid', '=', node_uuid)
      .where('id', '<=', newest.id)
      .where('created_at', '<', before)
      .orderBy('id')
      .limit(limit - removed)
      .execute();
    if (lines.length === 0) continue;
    await transaction
      .deleteFrom('node_history')
      .where(
        'id',
        'in',
        lines.map(({ id }) => id),
      )
      .execute();
    removed += lines.length;
  }
  return removed;
}
