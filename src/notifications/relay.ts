// Sends what happened to those outside who want to know. The events are the queue: each destination has its cursor in
// the store, which moves when what comes before it has arrived. So nothing is lost when a process dies or a destination
// is away, as long as [ingot]events_kept; what was sent just before may come again.
import type { Settings } from '#config/settings.ts';
import { isStillKept, latestCursor, readEvents, readSubjects, type StreamedEvent } from '#db/events.ts';
import { deleteStaleRelays, holdRelay, moveRelay, releaseRelay, type RelayHold } from '#db/relays.ts';
import type { Store } from '#db/store.ts';
import { type Clock, type Random, wireTime } from '#model/clock.ts';
import type { Log } from '#model/log.ts';
import type { Signals } from '#protocol/signals.ts';
import { type Level, type Notification, notificationsOf, toldKinds } from './notification.ts';
import type { Destination, Sent } from './destination.ts';

export interface RelayParts {
  readonly settings: Settings;
  readonly store: Store;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** So many events are read at a time, and kept in memory for a destination. */
const batch = 50;
/** How long a process that died keeps the others from sending in its stead. */
const holdSeconds = 30;
/** With less than this left of its hold, a process that sends takes it anew. */
const renewBeforeMilliseconds = 15_000;
/** How often it is looked for events of which no signal told. */
const pollMilliseconds = 2000;
/** How often it is looked whether another process still sends. */
const watchMilliseconds = 5000;
const backOff = { firstMilliseconds: 500, mostMilliseconds: 60_000 };
/** A destination to which nobody sent for so long is forgotten. */
const forgottenAfterSeconds = 7 * 24 * 3600;

/**
 * Sends to each of the destinations, in this process or, while another does it, in none. Disposing lets another process
 * go on at once; destinations are disposed of too.
 */
export function startRelay(parts: RelayParts, destinations: readonly Destination[]): AsyncDisposable {
  const { settings } = parts;
  const level = settings.DEFAULT.notification_level;
  const stopping = new AbortController();
  const running =
    level === null
      ? []
      : destinations.map(
          async (destination) => await new Relay(parts, destination, level).run(stopping.signal),
        );
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('the relay stops'));
      await Promise.all(running);
      await Promise.all(destinations.map(async (destination) => await destination[Symbol.asyncDispose]()));
    },
  };
}

/** What a round came to, which says when the next is due. */
type Round = 'more to send' | 'all sent' | 'held elsewhere' | 'failed';

/** A notification, and the cursor of what comes before its event. */
interface Letter {
  readonly notification: Notification;
  readonly before: string | undefined;
}

/** Sends to one destination. */
class Relay {
  readonly #parts: RelayParts;
  readonly #destination: Destination;
  readonly #level: Level;
  readonly #hold: RelayHold;
  /** How far it came, and until when no other process goes on from there; null while another may be at it. */
  #held: { cursor: string; until: number } | null = null;
  #failures = 0;
  /** Aborted when there are events that the present round may not have seen. */
  #more = new AbortController();
  /** Both are told in the log, once. */
  #isFailing = false;
  #hasMissed = false;

  constructor(parts: RelayParts, destination: Destination, level: Level) {
    this.#parts = parts;
    this.#destination = destination;
    this.#level = level;
    this.#hold = { name: destination.name, holder: parts.random.uuid(), seconds: holdSeconds };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#parts;
    await this.#forgetOthers().catch((err: unknown) =>
      log.warn({ err }, 'old destinations could not be forgotten'),
    );
    const forget = this.#parts.signals.on('events.added', () => this.#more.abort());
    while (!signal.aborted) {
      this.#more = new AbortController();
      const round = await this.#round(signal).catch((error: unknown) => this.#failed(error));
      if (!signal.aborted) await this.#pauseAfter(round, signal);
    }
    forget();
    await store
      .write(async (transaction) => await releaseRelay(transaction, this.#hold, clock))
      .catch((err: unknown) =>
        log.warn({ err }, 'another process will go on sending notifications only after a while'),
      );
  }

  /** Sends a batch. */
  async #round(signal: AbortSignal): Promise<Round> {
    const { read } = this.#parts.store;
    const newest = await latestCursor(read);
    const held = (this.#held ??= await this.#take(newest));
    if (!held) return 'held elsewhere';
    const after = await this.#stillKept(held.cursor);
    const events = await readEvents(read, { after, upTo: newest, limit: batch, kinds: toldKinds });
    const letters = await this.#lettersOf(events);
    const isAll = events.length < batch;
    const { count, failure } = await this.#send(letters, signal);
    const unsent = letters[count];
    const end = (isAll ? undefined : events.at(-1)?.cursor) ?? newest;
    const reached = unsent ? (unsent.before ?? held.cursor) : end;
    if (reached !== held.cursor) this.#failures = 0;
    await this.#move(reached, { isStored: count > 0 });
    if (unsent) return this.#failed(failure);
    if (letters.length > 0) this.#succeeded();
    return isAll ? 'all sent' : 'more to send';
  }

  async #send(letters: readonly Letter[], signal: AbortSignal): Promise<Sent> {
    if (letters.length === 0) return { count: 0 };
    return await this.#destination.send(
      letters.map(({ notification }) => notification),
      signal,
    );
  }

  /** Null while another process has it. */
  async #take(newest: string): Promise<{ cursor: string; until: number } | null> {
    const { store, clock } = this.#parts;
    const until = clock.now() + holdSeconds * 1000;
    const cursor = await store.write(
      async (transaction) => await holdRelay(transaction, this.#hold, newest, clock),
    );
    return cursor === undefined ? null : { cursor, until };
  }

  /**
   * Ensures that what comes before the cursor is not sent again by this process, and, where it is stored, by no other.
   * Events that are told to nobody are passed by without a write each.
   */
  async #move(cursor: string, { isStored }: { isStored: boolean }): Promise<void> {
    const { store, clock } = this.#parts;
    const held = this.#held;
    if (!held) return;
    if (!isStored && held.until - clock.now() > renewBeforeMilliseconds) {
      this.#held = { ...held, cursor };
      return;
    }
    const until = clock.now() + holdSeconds * 1000;
    const isMine = await store.write(
      async (transaction) => await moveRelay(transaction, this.#hold, cursor, clock),
    );
    this.#held = isMine ? { cursor, until } : null;
  }

  async #lettersOf(events: readonly StreamedEvent[]): Promise<Letter[]> {
    const subjects = await readSubjects(this.#parts.store.read, events);
    return events.flatMap((event, index) => {
      const subject = subjects.get(event.id);
      // Written while no notifications were sent.
      if (!subject) return [];
      const before = events[index - 1]?.cursor;
      return notificationsOf(event, subject, this.#level).map((notification) => ({ notification, before }));
    });
  }

  /** The cursor to read on from: from the oldest event, when those that should come next are kept no more. */
  async #stillKept(cursor: string): Promise<string | null> {
    const isKept = await isStillKept(this.#parts.store.read, cursor);
    if (!isKept && !this.#hasMissed) {
      const destination = this.#destination.words;
      this.#parts.log.error(
        { destination },
        `${destination} was away for longer than events are kept ([ingot] events_kept): of some it will never be told`,
      );
    }
    this.#hasMissed = !isKept;
    return isKept ? cursor : null;
  }

  #failed(err: unknown): 'failed' {
    this.#failures += 1;
    if (this.#isFailing) return 'failed';
    this.#isFailing = true;
    const destination = this.#destination.words;
    this.#parts.log.warn(
      { err, destination },
      `notifications do not reach ${destination}; they are kept and sent later`,
    );
    return 'failed';
  }

  #succeeded(): void {
    this.#failures = 0;
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#parts.log.info(
      { destination: this.#destination.words },
      `notifications reach ${this.#destination.words} again`,
    );
  }

  async #pauseAfter(round: Round, signal: AbortSignal): Promise<void> {
    switch (round) {
      case 'more to send':
        return;
      case 'all sent':
        return await this.#untilThereIsMore(signal);
      case 'held elsewhere':
        return await this.#sleep(watchMilliseconds, signal);
      case 'failed': {
        const { firstMilliseconds, mostMilliseconds } = backOff;
        const pause = Math.min(firstMilliseconds * 2 ** (this.#failures - 1), mostMilliseconds);
        return await this.#sleep(pause * (0.5 + this.#parts.random.fraction() / 2), signal);
      }
    }
  }

  /** A signal that came since the round began counts too. */
  async #untilThereIsMore(signal: AbortSignal): Promise<void> {
    await this.#sleep(pollMilliseconds, AbortSignal.any([signal, this.#more.signal]));
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    await this.#parts.clock.sleep(milliseconds, signal).catch(() => {});
  }

  async #forgetOthers(): Promise<void> {
    const { store, clock, log } = this.#parts;
    const before = wireTime(clock.now() - forgottenAfterSeconds * 1000);
    const names = await store.write(async (transaction) => await deleteStaleRelays(transaction, before));
    for (const name of names)
      log.warn({ name }, 'a destination of notifications is in no configuration any more; it is forgotten');
  }
}
