import { NoFreeConductorWorker } from '#model/faults.ts';

/** A place in the pool, reserved before work is accepted, so that what was accepted can always run. */
export interface WorkerPlace extends Disposable {
  /** Runs the work when its group's turn comes. Its errors are the work's own to handle. */
  run(group: string, work: () => Promise<void>): void;
}

/**
 * Runs a bounded number of jobs at a time. What does not run yet waits in a bounded queue that is fair: each
 * group (a node's owner, say) takes its turn, so that a thousand deployments of one do not hold up another's one.
 */
export class WorkerPool {
  readonly #size: number;
  readonly #queueLimit: number;
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();
  #reserved = 0;
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: { size: number; queueLimit: number }) {
    this.#size = options.size;
    this.#queueLimit = options.queueLimit;
  }

  /** How many jobs run at once. */
  get size(): number {
    return this.#size;
  }

  /** Jobs that run or wait. */
  get load(): number {
    return this.#reserved;
  }

  /**
   * Throws NoFreeConductorWorker when workers and queue are full, except for work that was accepted before
   * (`evenIfFull`). Dispose of a place that is not used.
   */
  reserve(options: { evenIfFull?: boolean } = {}): WorkerPlace {
    const isFull = this.#reserved >= this.#size + this.#queueLimit;
    if (isFull && !options.evenIfFull) throw new NoFreeConductorWorker();
    this.#reserved += 1;
    let used = false;
    return {
      run: (group, work) => {
        used = true;
        this.#enqueue(group, work);
      },
      [Symbol.dispose]: () => {
        if (!used) this.#giveBack();
      },
    };
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#reserved === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #enqueue(group: string, work: () => Promise<void>): void {
    const queue = this.#waiting.get(group);
    if (queue) queue.push(work);
    else this.#waiting.set(group, [work]);
    this.#startMore();
  }

  #startMore(): void {
    while (this.#running < this.#size) {
      const next = this.#takeNext();
      if (!next) return;
      this.#running += 1;
      void next().finally(() => {
        this.#running -= 1;
        this.#giveBack();
        this.#startMore();
      });
    }
  }

  /** The first job of the group that has waited longest for its turn; the group goes to the end of the line. */
  #takeNext(): (() => Promise<void>) | undefined {
    for (const [group, queue] of this.#waiting) {
      this.#waiting.delete(group);
      const work = queue.shift();
      if (queue.length > 0) this.#waiting.set(group, queue);
      return work;
    }
    return undefined;
  }

  #giveBack(): void {
    this.#reserved -= 1;
    if (this.#reserved > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
