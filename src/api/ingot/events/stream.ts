// One client's stream of Server-Sent Events: what it missed, read for it alone, then what the hub hands to all.
import type { Writable } from 'node:stream';
import { readEvents, type StreamedEvent } from '#db/events.ts';
import type { Reader } from '#db/store.ts';
import { asFilter, type EventChoice, isChosen } from './filter.ts';
import type { Batch, EventHub, Follower } from './hub.ts';
import { shownEvent } from './shown-event.ts';

/** Bytes that may wait for a client to take them. One that is slower is told to come back when it can. */
const mostWaiting = 256 * 1024;
/** How many events are read at a time of those that a client missed. */
const pageSize = 200;
/** A client told to go has so long to take what is still on its way. */
const partingMilliseconds = 10_000;
/** After how long browsers come back, of themselves. */
const retry = 'retry: 2000\n\n';

export interface StreamParts {
  readonly hub: EventHub;
  readonly read: Reader;
  readonly onError: (error: unknown) => void;
}

/** The frame of an event. Its cursor is what a client comes back with, in the header Last-Event-ID. */
export function frameOf(event: StreamedEvent): string {
  return `id: ${event.cursor}\nevent: ${event.kind}\ndata: ${JSON.stringify(shownEvent(event))}\n\n`;
}

/**
 * Ensures that the client gets each chosen event after `after` (null: from now on) once and in order, until it goes,
 * is too slow, or the process ends; what it got last is where it can go on from. Never waits for a slow client with
 * more than a bounded number of bytes in hand.
 */
export function streamEvents(
  parts: StreamParts,
  choice: EventChoice,
  after: string | null,
  to: Writable,
): void {
  new EventStream(parts, choice, to).start(after).catch((error: unknown) => {
    if (!to.destroyed) parts.onError(error);
    to.destroy();
  });
}

class EventStream implements Follower {
  readonly #parts: StreamParts;
  readonly #choice: EventChoice;
  readonly #takesAll: boolean;
  readonly #to: Writable;
  #isOver = false;

  constructor(parts: StreamParts, choice: EventChoice, to: Writable) {
    this.#parts = parts;
    this.#choice = choice;
    this.#takesAll = Object.values(choice).every((wanted) => wanted === null);
    this.#to = to;
    to.once('close', () => this.#end());
    to.once('error', () => this.#end());
  }

  async start(after: string | null): Promise<void> {
    const { hub } = this.#parts;
    let at = await hub.cursor();
    const from = after ?? at;
    this.#to.write(`id: ${from}\n${retry}`);
    if (after !== null) await this.#catchUp(after, at);
    // Between the look at the hub and the joining nothing may come: there is no await.
    while (!this.#isOver && !hub.join(this, at)) {
      if (hub.isEnded) return this.farewell();
      const before = at;
      at = await hub.cursor();
      await this.#catchUp(before, at);
    }
  }

  take({ events, whole }: Batch): void {
    if (this.#takesAll) return this.#write(whole);
    const chosen = events.filter(({ event }) => isChosen(event, this.#choice));
    if (chosen.length > 0) this.#write(Buffer.concat(chosen.map(({ frame }) => frame)));
  }

  alive(frame: Buffer): void {
    this.#write(frame);
  }

  farewell(): void {
    this.#part(`: this process ends; come back with the last id\n${retry}`);
  }

  /** Everything chosen that lies after one cursor and not after another. */
  async #catchUp(after: string, upTo: string): Promise<void> {
    for (let from = after; !this.#isOver;) {
      const filter = { ...asFilter(this.#choice), after: from, upTo, limit: pageSize };
      const events = await readEvents(this.#parts.read, filter);
      const last = events.at(-1);
      if (!last) return;
      if (!this.#to.write(events.map(frameOf).join(''))) await this.#drained();
      if (events.length < pageSize) return;
      from = last.cursor;
    }
  }

  /** While a client catches up it is waited for: what it has yet to get is in the store, not here. */
  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#to.once('drain', resolve);
    this.#to.once('close', resolve);
    await promise;
    // One that is slow is waited for again and again.
    this.#to.off('drain', resolve);
    this.#to.off('close', resolve);
  }

  #write(frames: Buffer): void {
    if (this.#isOver) return;
    if (this.#to.writableLength > mostWaiting)
      return this.#part(`: too slow; come back with the last id\n${retry}`);
    this.#to.write(frames);
  }

  #part(lastWords: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#to.end(lastWords);
    // It may never take them.
    setTimeout(() => this.#to.destroy(), partingMilliseconds).unref();
  }

  #end(): void {
    this.#isOver = true;
    this.#parts.hub.leave(this);
  }
}
