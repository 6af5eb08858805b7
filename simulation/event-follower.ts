import { readEvents } from '#db/events.ts';
import type { Store } from '#db/store.ts';
import type { Judge } from './judge.ts';
import { Party } from './party.ts';
import type { Scheduler } from './scheduler.ts';

const spacingMilliseconds = 60_000;
const atOnce = 50;

/** A client that reads on in the events from where its cursor stands, over the same poor wires as all others. */
export class EventFollower {
  readonly #scheduler: Scheduler;
  readonly #store: Store;
  readonly #judge: Judge;
  #cursor: string | null = null;
  #last = 0;

  constructor(scheduler: Scheduler, storeOf: (party: Party) => Store, judge: Judge) {
    this.#scheduler = scheduler;
    this.#store = storeOf(new Party(scheduler, 'follower', 0));
    this.#judge = judge;
  }

  /** The number of the last event that it read. */
  get last(): number {
    return this.#last;
  }

  start(): void {
    this.#scheduler.after(spacingMilliseconds, () => {
      void this.#readOn().finally(() => this.start());
    });
  }

  async #readOn(): Promise<void> {
    try {
      for (let isMore = true; isMore;) {
        const events = await readEvents(this.#store.read, { after: this.#cursor, limit: atOnce });
        for (const { id, cursor, node_uuid: node } of events) {
          if (id !== this.#last + 1)
            this.#judge.breaks('told', node, `a follower read event ${id} after event ${this.#last}`);
          this.#last = id;
          this.#cursor = cursor;
        }
        isMore = events.length === atOnce;
      }
    } catch {
      // The database is away; its cursor stands where it stood.
    }
  }
}
