import type { StreamedEvent } from '#db/events.ts';

/** An event as clients see it: whose the node was only decides who may. */
export type ShownEvent = Omit<StreamedEvent, 'owner' | 'lessee'>;

export function shownEvent({ owner: _owner, lessee: _lessee, ...event }: StreamedEvent): ShownEvent {
  return event;
}
