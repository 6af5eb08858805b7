import type { Clock } from '#model/clock.ts';
import { TemporaryFailure } from '#model/faults.ts';

/** For longer than it may be the others have not seen that this conductor lives: its nodes may be theirs by now. */
export class LeaseLapsed extends TemporaryFailure {
  constructor(hostname: string) {
    super(
      `The conductor ${hostname} could not say that it lives for too long, and does nothing until it could; please retry later.`,
    );
  }
}

/** What of [conductor]heartbeat_timeout is left for clocks that differ and for requests that are on their way. */
const margin = 1 / 6;

/** For how long after a sign of life a conductor acts at most. */
export function leaseMilliseconds(timeoutSeconds: number): number {
  return timeoutSeconds * 1000 * (1 - margin);
}

/**
 * The time for which a conductor may act on machines. It ends by itself, before the others may take the conductor for
 * dead: one that was frozen, or cut off from the store, and wakes does nothing further. What is at work when a term
 * ends stays ended; after it a new one begins.
 */
export class Lease {
  /** Aborted when the conductor stops. */
  readonly stopping: AbortSignal;
  readonly #hostname: string;
  readonly #clock: Clock;
  readonly #milliseconds: number;
  #from = Number.NEGATIVE_INFINITY;
  #term = new AbortController();
  #signal: AbortSignal;

  /** Lapsed until `begin`. `timeoutSeconds`: after which the others take over; Infinity where there are no others. */
  constructor(options: { hostname: string; clock: Clock; timeoutSeconds: number; stopping: AbortSignal }) {
    this.#hostname = options.hostname;
    this.#clock = options.clock;
    this.#milliseconds = leaseMilliseconds(options.timeoutSeconds);
    this.stopping = options.stopping;
    this.stopping.addEventListener('abort', () => this.#term.abort(this.stopping.reason), { once: true });
    this.#signal = this.#term.signal;
    this.#lapse();
  }

  get holds(): boolean {
    return !this.#signal.aborted;
  }

  /**
   * Aborted when the present term is over or the conductor stops. It looks at the clock whenever it is asked, so that
   * a process that wakes finds it aborted before any timer rang. Whatever may outlive a term keeps the one it began in.
   */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** A sign of life reached the store; `from` is when its writing began. False: too late, the term was over. */
  renew(from: number): boolean {
    if (!this.holds) return false;
    this.#from = Math.max(this.#from, from);
    return true;
  }

  /** The conductor registered anew; `from` is when that began. Nothing where the term goes on. */
  begin(from: number): void {
    if (this.renew(from) || this.stopping.aborted) return;
    this.#from = from;
    this.#term = new AbortController();
    this.#signal = watched(this.#term, () => this.#look());
    void this.#ringAtItsEnd(this.#term);
  }

  #look(): void {
    const age = this.#clock.now() - this.#from;
    // A clock that was set back says nothing of how long it was.
    if (age >= this.#milliseconds || age < 0) this.#lapse();
  }

  #lapse(): void {
    this.#term.abort(new LeaseLapsed(this.#hostname));
  }

  /** For what only waits, and asks nobody. */
  async #ringAtItsEnd({ signal }: AbortController): Promise<void> {
    while (this.#milliseconds < Infinity && !signal.aborted) {
      const rest = this.#from + this.#milliseconds - this.#clock.now();
      await this.#clock.sleep(Math.max(0, rest), signal).catch(() => {});
      if (this.#term.signal === signal) this.#look();
    }
  }
}

/** The controller's signal, which calls `look` before it answers whether it is aborted. */
function watched(controller: AbortController, look: () => void): AbortSignal {
  const { signal } = controller;
  const isAborted = (): boolean => Reflect.get(AbortSignal.prototype, 'aborted', signal);
  return Object.defineProperties(signal, {
    aborted: {
      get(): boolean {
        if (!isAborted()) look();
        return isAborted();
      },
    },
    throwIfAborted: {
      value(): void {
        if (signal.aborted) throw signal.reason;
      },
    },
  });
}
