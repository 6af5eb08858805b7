import { createHash, hash } from 'node:crypto';

/**
 * Consistent hashing as tooz does it for Ironic: each host stands at 2^exponent points on a circle of hashes;
 * a key belongs to the host of the first point beyond the key's own hash. Adding a host takes an even share
 * from each of the others and moves nothing between them.
 * Source: rpc-and-conductor `hash_ring`; tooz hashring (position: digest updated once more per partition).
 */
export class HashRing {
  readonly #points: readonly { position: string; host: string }[];
  readonly #algorithm: string;
  /** The host of a ring that has but one: every key is its own, and lists of nodes need no hashing. */
  readonly #only: string | undefined;

  constructor(hosts: readonly string[], options: { partitionExponent: number; algorithm: string }) {
    const points: { position: string; host: string }[] = [];
    for (const host of hosts) {
      const hash = createHash(options.algorithm);
      for (let partition = 0; partition < 2 ** options.partitionExponent; partition += 1) {
        hash.update(host);
        points.push({ position: hash.copy().digest('hex'), host });
      }
    }
    this.#points = points.toSorted((a, b) =>
      a.position < b.position ? -1 : Number(a.position > b.position),
    );
    this.#algorithm = options.algorithm;
    this.#only = hosts.length === 1 ? hosts[0] : undefined;
  }

  /** The host that a key belongs to; undefined on an empty ring. */
  hostOf(key: string): string | undefined {
    if (this.#only !== undefined) return this.#only;
    // Digests in hexadecimal are all of one length, so they compare as the numbers they are.
    const wanted = hash(this.#algorithm, key, 'hex');
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const point = this.#points[middle];
      if (point && point.position > wanted) high = middle;
      else low = middle + 1;
    }
    return (this.#points[low] ?? this.#points[0])?.host;
  }
}
