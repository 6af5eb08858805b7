import type { NodeLock } from '#db/node-lock.ts';

/** A node as it is held: under which taking. */
export interface Holding {
  readonly uuid: string;
  readonly reservation_epoch: number;
}

/**
 * Which of the nodes that are held under this conductor's name this process is at, or is about to be: a taking that it
 * asked for may be committed long before it hears so. Nobody is at any other.
 */
export class NodesInHand {
  readonly #epochs = new Map<string, number>();
  readonly #taking = new Map<string, number>();

  /** Ensures that whatever of the node is taken counts as in hand for as long as the taking is under way. */
  async taking<T>(uuid: string, take: () => Promise<T>): Promise<T> {
    this.#taking.set(uuid, (this.#taking.get(uuid) ?? 0) + 1);
    try {
      return await take();
    } finally {
      const others = (this.#taking.get(uuid) ?? 1) - 1;
      if (others > 0) this.#taking.set(uuid, others);
      else this.#taking.delete(uuid);
    }
  }

  keep({ uuid, epoch }: NodeLock): void {
    this.#epochs.set(uuid, epoch);
  }

  /** Nothing more is done under this lock; what is done under a later one goes on. May be repeated. */
  letGo({ uuid, epoch }: NodeLock): void {
    if (this.#epochs.get(uuid) === epoch) this.#epochs.delete(uuid);
  }

  has({ uuid, reservation_epoch }: Holding): boolean {
    return this.#taking.has(uuid) || this.#epochs.get(uuid) === reservation_epoch;
  }
}
