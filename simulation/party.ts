import type { Clock } from '#model/clock.ts';
import type { Scheduler, Timer } from './scheduler.ts';

/** What becomes of a process: it stands still for a while, or ends between two instructions. */
export type Fate = { kind: 'dies'; restartSeconds: number } | { kind: 'freezes'; milliseconds: number };

interface Held {
  readonly order: number;
  readonly run: () => void;
}

/**
 * A process of the control plane, from its start to its end. Whatever it awaits of the world outside goes `through`
 * here, so that it can stand still or end at any await: what it sent is on its way all the same.
 */
export class Party {
  readonly name: string;
  /** Milliseconds by which its clock is ahead of the world's. */
  readonly skew: number;
  readonly #scheduler: Scheduler;
  readonly #timers = new Set<Timer>();
  #state: 'up' | 'frozen' | 'dead' = 'up';
  #held: Held[] = [];
  #fate: { after: number; fate: Fate } | undefined;
  #onFate: (fate: Fate) => void;

  constructor(scheduler: Scheduler, name: string, skew: number, onFate: (fate: Fate) => void = () => {}) {
    this.#scheduler = scheduler;
    this.name = name;
    this.skew = skew;
    this.#onFate = onFate;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  /** Timers that it set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** The fate comes upon it when so many more things have reached it. */
  doom(after: number, fate: Fate): void {
    this.#fate = { after, fate };
  }

  spare(): void {
    this.#fate = undefined;
  }

  /** From now on nothing it began goes on: as after SIGKILL. */
  die(): void {
    this.#state = 'dead';
    this.#held = [];
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  freeze(): void {
    if (this.#state === 'up') this.#state = 'frozen';
  }

  /** Wakes it: timers whose time has come ring first, then it hears what came meanwhile. */
  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'up';
    const held = this.#held.toSorted((a, b) => a.order - b.order);
    this.#held = [];
    for (const { run } of held) this.#scheduler.after(0, () => this.#deliver(run, 0));
  }

  /** Lets something from outside reach it. */
  hear(run: () => void): void {
    this.#deliver(run, 1);
  }

  /** One await on the world outside. */
  async through<T>(work: () => Promise<T>): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      if (this.isDead) return;
      work().then(
        (value) => this.#deliver(() => resolve(value), 1),
        (error: unknown) => this.#deliver(() => reject(error), 1),
      );
    });
  }

  /** Its own clock. */
  get clock(): Clock {
    return {
      now: () => Math.floor(this.#scheduler.now) + this.skew,
      sleep: async (milliseconds, signal) => await this.#sleep(milliseconds, signal),
    };
  }

  async #sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      if (this.isDead) return;
      const end = (): void => {
        this.#timers.delete(timer);
        timer.cancel();
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        end();
        // Its reason is what the code under test aborted with.
        reject(signal?.reason as Error);
      };
      const ring = (): void => {
        end();
        resolve();
      };
      const timer = this.#scheduler.after(milliseconds, () => this.#deliver(ring, 0));
      this.#timers.add(timer);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #deliver(run: () => void, order: number): void {
    this.#count();
    if (this.#state === 'dead') return;
    if (this.#state === 'frozen') {
      this.#held.push({ order, run });
      return;
    }
    this.#scheduler.stir();
    run();
  }

  #count(): void {
    if (!this.#fate || this.#state !== 'up') return;
    this.#fate.after -= 1;
    if (this.#fate.after > 0) return;
    const { fate } = this.#fate;
    this.#fate = undefined;
    this.#onFate(fate);
  }
}
