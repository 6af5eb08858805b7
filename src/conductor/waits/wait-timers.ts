import type { Wait } from '#protocol/operation.ts';
import type { ConductorParts } from '../parts.ts';

/** Wakes waiting operations when their time comes; a heartbeat may be sooner. One timer for each node. */
export class WaitTimers {
  readonly #parts: ConductorParts;
  readonly #signal: AbortSignal;
  readonly #wake: (uuid: string) => Promise<void>;
  readonly #running = new Map<string, { at: number; end: AbortController }>();

  constructor(parts: ConductorParts, signal: AbortSignal, wake: (uuid: string) => Promise<void>) {
    this.#parts = parts;
    this.#signal = signal;
    this.#wake = wake;
  }

  /** Ensures that the node's operation is woken at the wait's time; nothing where the wait has none. */
  set(uuid: string, wait: Wait): void {
    const at = 'at' in wait ? wait.at : undefined;
    if (at === undefined) return;
    this.clear(uuid);
    const timer = { at: Date.parse(at), end: new AbortController() };
    this.#running.set(uuid, timer);
    const signal = AbortSignal.any([this.#signal, timer.end.signal]);
    const due = Math.max(0, timer.at - this.#parts.clock.now());
    void this.#parts.clock
      .sleep(due, signal)
      .then(async () => await this.#wake(uuid))
      .catch((error: unknown) => {
        if (signal.aborted) return;
        // Somebody holds the node, or the pool is full: look again a little later.
        this.#parts.log.debug({ node: uuid, err: error }, 'could not go on with a waiting operation yet');
        const again = this.#parts.clock.now() + this.#parts.settings.ingot.driver_poll_interval * 1000;
        this.set(uuid, { for: 'poll', at: new Date(again).toISOString() });
      })
      .finally(() => {
        if (this.#running.get(uuid) === timer) this.#running.delete(uuid);
      });
  }

  /**
   * Ensures that the node's operation is woken at the wait's time or before. A timer for later is of another wait, from
   * before the operation was with another conductor for a while. May be repeated.
   */
  ensure(uuid: string, wait: Wait): void {
    const at = 'at' in wait ? wait.at : undefined;
    if (at === undefined) return;
    // What is overdue is tried again now and then, while somebody holds the node.
    const { clock, settings } = this.#parts;
    const latest = Math.max(Date.parse(at), clock.now() + settings.ingot.driver_poll_interval * 1000);
    const timer = this.#running.get(uuid);
    if (!timer || timer.at > latest) this.set(uuid, wait);
  }

  /** The operation waits no more. */
  clear(uuid: string): void {
    this.#running.get(uuid)?.end.abort();
  }
}
