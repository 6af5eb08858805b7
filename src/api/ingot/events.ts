// GET /ingot/v1/nodes/{node}/events: what happened to a node, in order, from a cursor on.
import { type EventRecord, readEvents } from '#db/events.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { nodeUuidOf } from './node-uuid.ts';

const names: ReadonlySet<string> = new Set(['after', 'limit']);

/**
 * Oldest first, those after the event whose id `after` is. `next` is the cursor to ask on with; it stays the same
 * when nothing has happened since.
 */
export async function listEvents(call: Call): Promise<Answer> {
  const { query, parts } = call;
  query.allowOnly(names);
  const limit = query.limit(parts.settings.api.max_limit);
  const after = query.integer('after') ?? 0;
  if (after < 0 || !Number.isSafeInteger(after))
    throw new InvalidParameterValue(`after is the id of an event, which ${after} is not`);
  const nodeUuid = await nodeUuidOf(call);
  const events = await readEvents(parts.store.read, { after, limit, nodeUuid });
  return ok(JSON.stringify({ events: events.map(shownEvent), next: events.at(-1)?.id ?? after }));
}

function shownEvent({
  id,
  at,
  kind,
  operation_id,
  request_id,
  data,
}: EventRecord): Omit<EventRecord, 'node_uuid'> {
  return { id, at, kind, operation_id, request_id, data };
}
