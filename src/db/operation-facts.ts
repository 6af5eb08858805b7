import type { Reader } from './store.ts';

/** The request that an operation began with; null where its beginning is not kept any more. */
export async function readRequestOf(
  reader: Reader,
  nodeUuid: string,
  operationId: string,
): Promise<string | null> {
  const row = await reader
    .selectFrom('events')
    .select('request_id')
    .where('node_uuid', '=', nodeUuid)
    .where('operation_id', '=', operationId)
    .where('kind', '=', 'operation.started')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.request_id ?? null;
}
