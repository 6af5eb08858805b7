// Virtual time: what is to happen at a time, in the order of the times and of the asking.

export interface Timer {
  cancel(): void;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** How many turns of the event loop must pass in which nothing stirs before time moves on. */
const quietTurns = 2;

export class Scheduler {
  #now: number;
  #order = 0;
  #stirrings = 0;
  #atWork = 0;
  #cancelled = 0;
  #heap: Entry[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  /** What waits for its time. */
  get pending(): number {
    return this.#heap.length - this.#cancelled;
  }

  after(milliseconds: number, run: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, milliseconds), order: this.#order++, run };
    this.#push(entry);
    return {
      cancel: () => {
        if (!entry.run) return;
        entry.run = undefined;
        this.#cancelled += 1;
        if (this.#cancelled > 1000 && this.#cancelled > this.#heap.length / 2) this.#sweep();
      },
    };
  }

  async pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => this.after(milliseconds, resolve));
  }

  /** Time stands still until the work, which is the real database's, ends. */
  async standStill<T>(work: () => Promise<T>): Promise<T> {
    this.#atWork += 1;
    try {
      return await work();
    } finally {
      this.#atWork -= 1;
      this.#stirrings += 1;
    }
  }

  /** Something happened that others may go on from. */
  stir(): void {
    this.#stirrings += 1;
  }

  /**
   * Lets everything happen up to that time, one thing after the other; `after` is called when all that followed from
   * it, without time passing, is over. Ends early when `after` says so.
   */
  async runUntil(end: number, after: () => boolean): Promise<void> {
    await this.#settle();
    for (;;) {
      const next = this.#heap[0];
      if (!next || next.at > end) break;
      this.#pop();
      const { run } = next;
      if (!run) {
        this.#cancelled -= 1;
        continue;
      }
      next.run = undefined;
      this.#now = Math.max(this.#now, next.at);
      run();
      await this.#settle();
      if (after()) return;
    }
    this.#now = Math.max(this.#now, end);
  }

  async #settle(): Promise<void> {
    for (let quiet = 0; quiet < quietTurns; quiet += 1) {
      const before = this.#stirrings;
      await new Promise(setImmediate);
      if (this.#atWork > 0 || this.#stirrings !== before) quiet = -1;
    }
  }

  #sweep(): void {
    const kept = this.#heap.filter(({ run }) => run !== undefined);
    this.#cancelled = 0;
    // A sorted list is a heap.
    this.#heap = kept.toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (!parent || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!child || !isBefore(child, last)) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
