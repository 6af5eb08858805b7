// A node's history by page.
import { decode } from './columns.ts';
import type { HistoryRecord } from './history.ts';
import { isBehind, pageOrder } from './keyset-page.ts';
import type { Reader } from './store.ts';
import { historyColumns } from './tables.ts';

/** By what history may be sorted. */
export const historySortKeys = ['created_at', 'uuid', 'severity', 'event_type', 'conductor', 'user'] as const;
export type HistorySortKey = (typeof historySortKeys)[number];

export interface HistoryPage {
  readonly sortKey: HistorySortKey;
  readonly descending: boolean;
  readonly limit: number;
  /** The last line of the page before. */
  readonly after: HistoryRecord | undefined;
}

/** One page of a node's history. */
export async function listHistory(
  reader: Reader,
  nodeUuid: string,
  { sortKey, descending, limit, after }: HistoryPage,
): Promise<HistoryRecord[]> {
  let query = reader.selectFrom('node_history').selectAll().where('node_uuid', '=', nodeUuid);
  if (after) query = query.where(isBehind(sortKey, { id: after.id, key: after[sortKey] }, descending));
  const rows = await query.orderBy(pageOrder(sortKey, descending)).limit(limit).execute();
  return rows.map((row) => decode<HistoryRecord, typeof historyColumns>(historyColumns, row));
}

/** One line of any node's history, or undefined. */
export async function readHistoryLine(reader: Reader, uuid: string): Promise<HistoryRecord | undefined> {
  const row = await reader.selectFrom('node_history').selectAll().where('uuid', '=', uuid).executeTakeFirst();
  return row && decode<HistoryRecord, typeof historyColumns>(historyColumns, row);
}
