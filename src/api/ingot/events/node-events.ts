// GET /ingot/v1/nodes/{node}/events: what happened to a node, in order, from a cursor on.
import { isCursor, readEvents, type StreamedEvent } from '#db/events.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import { type Answer, type Call, ok } from '../call.ts';
import { nodeUuidOf } from './node-uuid.ts';

const names: ReadonlySet<string> = new Set(['after', 'limit']);

/**
 * Oldest first, those after the event whose cursor `after` is. `next` is the cursor to ask on with; it stays the same
 * when nothing has happened since.
 */
export async function listEvents(call: Call): Promise<Answer> {
  const { query, parts } = call;
  query.allowOnly(names);
  const limit = query.limit(parts.settings.api.max_limit);
  const after = query.text('after') ?? '0';
  if (!isCursor(after))
    throw new InvalidParameterValue(`after is the cursor of an event, which '${after}' is not`);
  const nodeUuid = await nodeUuidOf(call);
  const events = await readEvents(parts.store.read, { after, limit, nodeUuid });
  return ok(JSON.stringify({ events: events.map(shownEvent), next: events.at(-1)?.cursor ?? after }));
}

function shownEvent({
  node_uuid: _theOneAskedFor,
  ...event
}: StreamedEvent): Omit<StreamedEvent, 'node_uuid'> {
  return event;
}
