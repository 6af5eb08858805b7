import { wireTime, type Clock } from '#model/clock.ts';
import { messageOf } from '#model/message.ts';
import type { RefusedHeartbeat } from '#protocol/node-view.ts';

/** Anybody may send one, so no more than these are remembered. */
const nodesRemembered = 10_000;

/** The last sign of life of each node that was refused, for whoever asks why nothing is heard of its agent. */
export class RefusedHeartbeats {
  readonly #clock: Clock;
  readonly #byNode = new Map<string, RefusedHeartbeat>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(node: string): RefusedHeartbeat | null {
    return this.#byNode.get(node) ?? null;
  }

  /** Gives what `take` gives; remembers why it throws, or that it does no more. */
  async watch(node: string, take: () => Promise<void>): Promise<void> {
    try {
      await take();
      this.#byNode.delete(node);
    } catch (error) {
      // The latest stand last, so that the first is the one to forget.
      this.#byNode.delete(node);
      this.#byNode.set(node, { at: wireTime(this.#clock.now()), reason: messageOf(error) });
      const [oldest] = this.#byNode.keys();
      if (this.#byNode.size > nodesRemembered && oldest !== undefined) this.#byNode.delete(oldest);
      throw error;
    }
  }
}
