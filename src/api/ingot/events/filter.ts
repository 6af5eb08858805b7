// Which events a request is for, and which of them its sender may see.
import { type EventKind, eventKinds, isCursor, type StreamedEvent } from '#db/events.ts';
import { InvalidParameterValue } from '#model/faults.ts';
import type { Call } from '../../call.ts';
import { canonicalUuid } from '../../identity.ts';
import { projectOf, seenNode } from '../seen-nodes.ts';

/** Null, everywhere: whatever. */
export interface EventChoice {
  readonly nodeUuid: string | null;
  readonly kinds: readonly EventKind[] | null;
  readonly owner: string | null;
  /** The project whose nodes, owned or leased, the sender may see. */
  readonly project: string | null;
}

/** Throws a fault of status 400 naming the argument, NodeNotFound, or HTTPForbidden for who may see no events at all. */
export async function eventChoice(call: Call): Promise<EventChoice> {
  return {
    nodeUuid: await nodeIn(call),
    kinds: kindsIn(call),
    owner: call.query.text('owner') ?? null,
    project: await projectOf(call),
  };
}

export function isChosen(event: StreamedEvent, { nodeUuid, kinds, owner, project }: EventChoice): boolean {
  return (
    (nodeUuid === null || event.node_uuid === nodeUuid) &&
    (kinds === null || kinds.includes(event.kind)) &&
    (owner === null || event.owner === owner) &&
    (project === null || event.owner === project || event.lessee === project)
  );
}

/** As `readEvents` takes it. */
export function asFilter({ nodeUuid, kinds, owner, project }: EventChoice) {
  return {
    nodeUuid: nodeUuid ?? undefined,
    kinds: kinds ?? undefined,
    owner: owner ?? undefined,
    project: project ?? undefined,
  };
}

/** `after`. Throws InvalidParameterValue for what is no cursor. */
export function cursorIn(call: Call): string | null {
  const after = call.query.text('after');
  if (after === undefined) return null;
  if (isCursor(after)) return after;
  throw new InvalidParameterValue(`after is the cursor of an event, which '${after}' is not`);
}

async function nodeIn(call: Call): Promise<string | null> {
  const ident = call.query.text('node');
  if (ident === undefined) return null;
  // Of a node that was deleted, events are kept for a while.
  return canonicalUuid(ident) ?? (await seenNode(call, ident)).uuid;
}

function kindsIn({ query }: Call): readonly EventKind[] | null {
  const given = query.list('kind');
  if (given === undefined) return null;
  return given.map((name) => {
    const kind = eventKinds.find((each) => each === name);
    if (kind !== undefined) return kind;
    throw new InvalidParameterValue(
      `There are no events of the kind '${name}'; there are ${eventKinds.join(', ')}`,
    );
  });
}
