// GET /ingot/v1/events: what happens to every node, as a page of a list or as a stream that goes on.
import { isCursor, isStillKept, readEvents } from '#db/events.ts';
import { EventsGone, InvalidParameterValue } from '#model/faults.ts';
import { type Answer, type Call, ok } from '../../call.ts';
import type { ApiParts } from '../../parts.ts';
import { asFilter, cursorIn, eventChoice } from './filter.ts';
import { shownEvent } from './shown-event.ts';
import { EventHub } from './hub.ts';
import { frameOf, streamEvents } from './stream.ts';

const names: ReadonlySet<string> = new Set(['after', 'limit', 'node', 'kind', 'owner']);

/** The cursor before everything: from the oldest event that is kept. */
const beginning = '0';

/**
 * For who accepts `text/event-stream` a stream from `Last-Event-ID`, or `after`, on, without either from now on. For
 * others the page after `after`, oldest first, with `next` to go on from. Throws EventsGone (410) where events after
 * that cursor are not kept any more.
 */
export async function followEvents(call: Call): Promise<Answer> {
  const { query, parts } = call;
  query.allowOnly(names);
  const choice = await eventChoice(call);
  const after = lastEventId(call) ?? cursorIn(call);
  const { read } = parts.store;
  if (after !== null && after !== beginning && !(await isStillKept(read, after)))
    throw new EventsGone({ after });
  if (call.acceptsEvents) {
    const { eventHub: hub } = parts;
    const onError = (error: unknown): void =>
      parts.log.error({ err: error, request: call.context.requestId }, 'a stream of events broke');
    return {
      status: 200,
      stream: {
        contentType: 'text/event-stream',
        begin: (to) => streamEvents({ hub, read, onError }, choice, after, to),
      },
    };
  }
  const limit = query.limit(parts.settings.api.max_limit);
  const events = await readEvents(read, { ...asFilter(choice), after: after ?? beginning, limit });
  return ok(
    JSON.stringify({ events: events.map(shownEvent), next: events.at(-1)?.cursor ?? after ?? beginning }),
  );
}

/** What browsers send when they come back. It goes before `after`, which stands in the URL they began with. */
function lastEventId(call: Call): string | null {
  const id = call.lastEventId;
  if (id === null || id === '') return null;
  if (isCursor(id)) return id;
  throw new InvalidParameterValue(`Last-Event-ID is the cursor of an event, which '${id}' is not`);
}

export function createEventHub({ store, clock, signals, log }: ApiParts): EventHub {
  const onError = (error: unknown): void => log.error({ err: error }, 'new events could not be read');
  return new EventHub({ read: store.read, clock, signals }, frameOf, onError);
}
