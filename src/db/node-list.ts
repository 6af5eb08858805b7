// Reads of nodes for answers: one row by what names it, and lists by filter, order and page.
import type { Reader } from './store.ts';
import type { NodeRow } from './tables.ts';

/** The row of the node with this UUID or name, or undefined. */
export async function readNodeRow(
  reader: Reader,
  by: 'uuid' | 'name',
  value: string,
): Promise<NodeRow | undefined> {
  return await reader.selectFrom('nodes').selectAll().where(by, '=', value).executeTakeFirst();
}
