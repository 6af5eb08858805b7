// What the fleet's past says of how long things take, asked of the store once in a while.
import { type Durations, readPastOperations, readPastSteps } from '#db/past.ts';
import type { Reader } from '#db/store.ts';
import type { Clock } from '#model/clock.ts';
import type { OperationKind } from '#protocol/operation.ts';

/** What the past says of an operation of a kind on nodes of a driver. */
export interface Past {
  readonly whole: Durations | null;
  /** By `interface.step`. */
  readonly steps: Readonly<Record<string, Durations>>;
}

export const noPast: Past = { whole: null, steps: {} };

/** The past changes slowly, and reading it costs more than a request should. */
const freshMilliseconds = 60_000;

export class FleetPast {
  readonly #read: Reader;
  readonly #clock: Clock;
  readonly #known = new Map<string, { at: number; past: Promise<Past> }>();

  constructor(read: Reader, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  async of(kind: OperationKind, driver: string): Promise<Past> {
    const key = `${kind} ${driver}`;
    const known = this.#known.get(key);
    if (known && this.#clock.now() - known.at < freshMilliseconds) return await known.past;
    const past = this.#ask(kind, driver);
    this.#known.set(key, { at: this.#clock.now(), past });
    past.catch(() => this.#known.delete(key));
    return await past;
  }

  async #ask(kind: OperationKind, driver: string): Promise<Past> {
    const [whole, steps] = await Promise.all([
      readPastOperations(this.#read, kind, driver),
      readPastSteps(this.#read, kind, driver),
    ]);
    return { whole, steps };
  }
}
