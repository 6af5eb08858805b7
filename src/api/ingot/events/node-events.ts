// GET /ingot/v1/nodes/{node}/events: what happened to a node, in order, from a cursor on.
import { readEvents, type StreamedEvent } from '#db/events.ts';
import { type Answer, type Call, ok } from '../../call.ts';
import { nodeUuidOf, projectOf } from '../seen-nodes.ts';
import { cursorIn } from './filter.ts';
import { type ShownEvent, shownEvent } from './shown-event.ts';

const names: ReadonlySet<string> = new Set(['after', 'limit']);

/**
 * Oldest first, those after the event whose cursor `after` is. `next` is the cursor to ask on with; it stays the same
 * when nothing has happened since.
 */
export async function listNodeEvents(call: Call): Promise<Answer> {
  const { query, parts } = call;
  query.allowOnly(names);
  const limit = query.limit(parts.settings.api.max_limit);
  const after = cursorIn(call) ?? '0';
  const nodeUuid = await nodeUuidOf(call);
  // Whose the node was at the time decides, as in the stream of all events.
  const project = (await projectOf(call)) ?? undefined;
  const events = await readEvents(parts.store.read, { after, limit, nodeUuid, project });
  return ok(JSON.stringify({ events: events.map(ofNode), next: events.at(-1)?.cursor ?? after }));
}

/** Without the node, which is the one asked for. */
function ofNode(event: StreamedEvent): Omit<ShownEvent, 'node_uuid'> {
  const { node_uuid: _theOneAskedFor, ...shown } = shownEvent(event);
  return shown;
}
