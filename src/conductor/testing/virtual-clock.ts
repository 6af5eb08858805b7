// Time that passes only when a test lets it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#model/clock.ts';

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** How many turns of the event loop nothing may happen before time moves on. */
const quietTurns = 12;

/** How often time may move on for one `until`: a test that waits for what never comes ends with words. */
const mostJumps = 20_000;

export class VirtualClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<Sleeper>();
  #underWay = 0;
  #whenNoneIs: (() => void)[] = [];

  constructor(start = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper: Sleeper = { at: this.#now + Math.max(0, milliseconds), wake: resolve };
    // Its reason is what the code under test threw or aborted with.
    const abort = (): void => reject(signal?.reason as Error);
    this.#sleepers.add(sleeper);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      this.#sleepers.delete(sleeper);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Holds time while a call to the world outside is under way, that takes no virtual time. */
  async during<T>(call: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await call();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const wake of this.#whenNoneIs.splice(0)) wake();
    }
  }

  /** Lets everything that needs no time happen. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < quietTurns; quiet += 1) {
      await nextTurn();
      if (this.#underWay === 0) continue;
      await new Promise<void>((resolve) => this.#whenNoneIs.push(resolve));
      quiet = 0;
    }
  }

  /** Lets that much time pass, waking each sleeper at its time. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await this.settle();
    for (let next = this.#next(); next && next.at <= end; next = this.#next()) await this.#jumpTo(next);
    this.#now = end;
    await this.settle();
  }

  /** Lets time pass for as long as it takes until the answer is true. */
  async until(isSo: () => boolean | Promise<boolean>, what = 'what the test waits for'): Promise<void> {
    for (let jump = 0; jump < mostJumps; jump += 1) {
      await this.settle();
      if (await isSo()) return;
      const next = this.#next();
      if (!next) throw new Error(`Nothing sleeps any more, and ${what} did not happen`);
      await this.#jumpTo(next);
    }
    throw new Error(`Time passed and passed, and ${what} did not happen`);
  }

  /** Lets time pass until the promise settles. */
  async untilSettled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => (isSettled = true));
    settled.catch(() => {});
    await this.until(() => isSettled);
    return await settled;
  }

  #next(): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (!next || sleeper.at < next.at) next = sleeper;
    return next;
  }

  async #jumpTo(sleeper: Sleeper): Promise<void> {
    this.#now = Math.max(this.#now, sleeper.at);
    this.#sleepers.delete(sleeper);
    sleeper.wake();
    await this.settle();
  }
}
