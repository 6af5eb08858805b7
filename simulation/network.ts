import type { SeededRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** Who stands at the ends of a link: a process, `store`, `broker`, a machine (`m17`), or all of `machines`. */
type End = string;

/** The wires between all parts: how long things take on them, and which of them are cut. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;
  readonly #cut = new Map<string, number>();
  #waiting: { a: End; b: End; go: () => void }[] = [];

  constructor(scheduler: Scheduler, random: SeededRandom) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  /** Nothing gets through between the two until the function given back is called. */
  cut(a: End, b: End): () => void {
    const key = keyOf(a, b);
    this.#cut.set(key, (this.#cut.get(key) ?? 0) + 1);
    return () => {
      const left = (this.#cut.get(key) ?? 1) - 1;
      if (left > 0) this.#cut.set(key, left);
      else this.#cut.delete(key);
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const one of waiting) {
        if (this.isCut(one.a, one.b)) this.#waiting.push(one);
        else this.#scheduler.after(this.#latency(), one.go);
      }
    };
  }

  isCut(a: End, b: End): boolean {
    return this.#cut.size > 0 && (this.#cut.has(keyOf(a, b)) || this.#isCutFromMachine(a, b));
  }

  /** One way of a message. */
  async travel(): Promise<void> {
    await this.#scheduler.pause(this.#latency());
  }

  /** Until something gets through between the two. */
  async whole(a: End, b: End): Promise<void> {
    if (!this.isCut(a, b)) return;
    await new Promise<void>((go) => this.#waiting.push({ a, b, go }));
  }

  #isCutFromMachine(a: End, b: End): boolean {
    return isMachine(b)
      ? this.#cut.has(keyOf(a, 'machines'))
      : isMachine(a) && this.#cut.has(keyOf(b, 'machines'));
  }

  #latency(): number {
    return this.#random.between(0.2, this.#random.chance(0.02) ? 400 : 8);
  }
}

const isMachine = (end: End): boolean => /^m\d+$/.test(end);

function keyOf(a: End, b: End): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
