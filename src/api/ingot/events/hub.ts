// The one reader of new events in a process: reads each once, and hands it to every stream that is up to date.
import { compareCursors, latestCursor, readEvents, type StreamedEvent } from '#db/events.ts';
import type { Reader } from '#db/store.ts';
import type { Clock } from '#model/clock.ts';
import type { Signals } from '#protocol/signals.ts';

/** What the hub hands on: events with the frame that each is sent as, made once for all streams. */
export interface Batch {
  readonly events: readonly { readonly event: StreamedEvent; readonly frame: Buffer }[];
  /** All frames in one, for those who take every event. */
  readonly whole: Buffer;
}

/** A stream that is up to date. Neither may throw, nor wait. */
export interface Follower {
  take(batch: Batch): void;
  /** Nothing happened for a while: `frame` says that the stream lives, and how far it is. */
  alive(frame: Buffer): void;
  /** The process ends. */
  farewell(): void;
}

const batchSize = 500;
/** Signals may be lost; a look this often finds what they would have told. */
const pollMilliseconds = 1000;
/** Proxies cut connections that stay silent for about a minute. */
const aliveMilliseconds = 15_000;

/** Milliseconds between two batches for each stream; writing one frame takes about a hundredth of a millisecond. */
const pausePerFollower = 0.25;
const longestPause = 500;

export class EventHub {
  readonly #read: Reader;
  readonly #clock: Clock;
  readonly #signals: Signals;
  readonly #frameOf: (event: StreamedEvent) => string;
  readonly #onError: (error: unknown) => void;
  readonly #followers = new Set<Follower>();
  readonly #ended = new AbortController();
  #cursor: string | null = null;
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** A signal came since the last look. */
  #isTold = false;

  constructor(
    parts: { read: Reader; clock: Clock; signals: Signals },
    frameOf: (event: StreamedEvent) => string,
    onError: (error: unknown) => void,
  ) {
    this.#read = parts.read;
    this.#clock = parts.clock;
    this.#signals = parts.signals;
    this.#frameOf = frameOf;
    this.#onError = onError;
  }

  get isEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  /** How many streams are up to date. */
  get size(): number {
    return this.#followers.size;
  }

  /** How far the hub is. Begins to read, from the newest event on, when it did not yet. */
  async cursor(): Promise<string> {
    this.#cursor ??= await latestCursor(this.#read);
    this.#running ??= this.#run();
    return this.#cursor;
  }

  /**
   * Hands every event after `cursor` to the follower, if the hub is exactly there; false when it went on meanwhile,
   * and what lies between is to be read first.
   */
  join(follower: Follower, cursor: string): boolean {
    if (this.#cursor === null || this.isEnded || compareCursors(cursor, this.#cursor) !== 0) return false;
    this.#followers.add(follower);
    return true;
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Ends every stream. */
  async close(): Promise<void> {
    this.#ended.abort();
    this.#wake?.();
    for (const follower of this.#followers) follower.farewell();
    this.#followers.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    const deaf = this.#signals.on('events.added', () => {
      this.#isTold = true;
      this.#wake?.();
    });
    let toldAt = this.#clock.now();
    while (!this.isEnded) {
      this.#isTold = false;
      const found = await this.#readOn();
      const now = this.#clock.now();
      if (found > 0) toldAt = now;
      else if (now - toldAt >= aliveMilliseconds) {
        toldAt = now;
        this.#tellAlive();
      }
      if (found > 0) await this.#pause();
      if (found < batchSize && !this.#isTold) await this.#rest();
    }
    deaf();
  }

  /** How many new events there were. */
  async #readOn(): Promise<number> {
    try {
      const from = this.#cursor;
      // Nobody listens: who comes later begins where the hub then is.
      if (this.#followers.size === 0) {
        const latest = await latestCursor(this.#read);
        if (this.#followers.size === 0) this.#cursor = latest;
        return 0;
      }
      const events = await readEvents(this.#read, { after: from, limit: batchSize });
      const last = events.at(-1);
      if (last) this.#handOn(events, last.cursor);
      return events.length;
    } catch (error) {
      if (!this.isEnded) this.#onError(error);
      return 0;
    }
  }

  #handOn(events: readonly StreamedEvent[], cursor: string): void {
    const framed = events.map((event) => ({ event, frame: Buffer.from(this.#frameOf(event)) }));
    const batch = { events: framed, whole: Buffer.concat(framed.map(({ frame }) => frame)) };
    this.#cursor = cursor;
    for (const follower of this.#followers) follower.take(batch);
  }

  #tellAlive(): void {
    // The cursor moves also where a stream's filter lets nothing through, so that it never grows too old to resume at.
    const frame = Buffer.from(`id: ${this.#cursor}\n: alive\n\n`);
    for (const follower of this.#followers) follower.alive(frame);
  }

  /** What comes meanwhile goes out together: handing on takes no more than a small share of the process's time. */
  async #pause(): Promise<void> {
    const milliseconds = Math.min(this.#followers.size * pausePerFollower, longestPause);
    await this.#clock.sleep(milliseconds, this.#ended.signal).catch(() => {});
  }

  async #rest(): Promise<void> {
    const rested = new AbortController();
    this.#wake = () => rested.abort();
    const either = AbortSignal.any([rested.signal, this.#ended.signal]);
    await this.#clock.sleep(pollMilliseconds, either).catch(() => {});
    this.#wake = undefined;
  }
}
