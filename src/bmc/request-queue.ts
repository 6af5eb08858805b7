// One queue per controller: a few requests at once, a bounded number waiting, in order.
import { withLimit, type Clock } from './clock.ts';
import { BmcBusy } from './errors.ts';

export interface RequestQueueOptions {
  maxConcurrentRequests: number;
  maxQueuedRequests: number;
  queueTimeoutSeconds: number;
}

export class RequestQueue {
  readonly #address: string;
  readonly #clock: Clock;
  readonly #options: RequestQueueOptions;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(address: string, clock: Clock, options: RequestQueueOptions) {
    this.#address = address;
    this.#clock = clock;
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#running === 0 && this.#waiting.size === 0;
  }

  /**
   * Resolves when it is the caller's turn; disposing what it gives lets the next one in. Throws BmcBusy at once if
   * too many wait already, or after waiting too long; the signal's reason if that is aborted.
   */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#running < this.#options.maxConcurrentRequests) {
      this.#running += 1;
      return this.#turn();
    }
    if (this.#waiting.size >= this.#options.maxQueuedRequests) throw this.#busy();
    await withLimit(
      this.#clock,
      this.#options.queueTimeoutSeconds * 1000,
      signal,
      (either) => this.#wait(either),
      () => this.#busy(),
    );
    return this.#turn();
  }

  #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abandon = (): void => {
      this.#waiting.delete(admit);
      reject(signal.reason);
    };
    const admit = (): void => {
      signal.removeEventListener('abort', abandon);
      resolve();
    };
    this.#waiting.add(admit);
    signal.addEventListener('abort', abandon, { once: true });
    return promise;
  }

  /** A turn that ends goes straight to the first who waits, so nobody can slip in between. */
  #turn(): Disposable {
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        const [next] = this.#waiting;
        if (next === undefined) {
          this.#running -= 1;
        } else {
          this.#waiting.delete(next);
          next();
        }
      },
    };
  }

  #busy(): BmcBusy {
    return new BmcBusy(this.#address, this.#waiting.size);
  }
}
