import { createHash } from 'node:crypto';

const shown = 50;

/** What happened, line by line: the last lines for people, and a hash of all of them that a replay must come to. */
export class Trace {
  readonly #now: () => number;
  readonly #tell: ((line: string) => void) | undefined;
  readonly #hash = createHash('sha256');
  readonly #last: string[] = [];
  readonly #start: number;
  #count = 0;

  constructor(now: () => number, tell?: (line: string) => void) {
    this.#now = now;
    this.#tell = tell;
    this.#start = now();
  }

  get count(): number {
    return this.#count;
  }

  get last(): readonly string[] {
    return this.#last.slice(-shown);
  }

  /** Of everything so far. */
  get hash(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }

  line(who: string, what: string): void {
    const line = `${virtualTime(this.#now() - this.#start)} ${who} ${what}`;
    this.#count += 1;
    this.#hash.update(line);
    this.#last.push(line);
    if (this.#last.length > 2 * shown) this.#last.splice(0, shown);
    this.#tell?.(line);
  }
}

/** `1:02:03.456`, since the beginning. */
export function virtualTime(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const part = (unit: number, of: number, digits: number): string =>
    (Math.floor(whole / unit) % of).toString().padStart(digits, '0');
  return `${Math.floor(whole / 3_600_000)}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
}
