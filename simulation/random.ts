import type { Random } from '#model/clock.ts';

/** Chance from a seed: the same seed and name give the same run of numbers, whatever else is asked of others. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, name: string) {
    this.#a = seed | 0;
    this.#b = hashOf(name);
    this.#c = hashOf(`${seed}:${name}`);
    for (let round = 0; round < 15; round += 1) this.#next();
  }

  fraction(): number {
    return this.#next() / 2 ** 32;
  }

  uuid(): string {
    const words = Array.from({ length: 4 }, () => this.#next().toString(16).padStart(8, '0')).join('');
    const [a, b, c, d] = [words.slice(0, 8), words.slice(8, 12), words.slice(13, 16), words.slice(17, 20)];
    return `${a}-${b}-4${c}-8${d}-${words.slice(20)}`;
  }

  /** At least `from`, less than `to`. */
  between(from: number, to: number): number {
    return from + this.fraction() * (to - from);
  }

  /** Whole, from 0 to below `count`. */
  below(count: number): number {
    return Math.floor(this.fraction() * count);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const chosen = list[this.below(list.length)];
    if (chosen === undefined) throw new Error('There is nothing to pick from');
    return chosen;
  }

  /** One of the choices, each as likely as its weight says. */
  weigh<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let rest = this.fraction() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      rest -= weight;
      if (rest < 0) return choice;
    }
    return this.pick(choices)[1];
  }

  /** A time between two events that come by chance, so often on average. */
  spacing(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean;
  }

  /** sfc32 */
  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }
}

/** FNV-1a */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
