// The query of a request: its arguments, each read as one type. What is not read is refused.
import { Invalid, InvalidParameterValue, InvalidUUID } from '#model/faults.ts';
import { canonicalUuid } from './identity.ts';

// oslo.utils strutils bool_from_string, strict.
const trueWords = new Set(['1', 't', 'true', 'on', 'y', 'yes']);
const falseWords = new Set(['0', 'f', 'false', 'off', 'n', 'no']);

/** True or false as Ironic's clients write it, in any case; undefined for anything else. */
export function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  // Nothing else of JSON is a word, and an object may even refuse to become a text.
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const word = String(value).trim().toLowerCase();
  if (trueWords.has(word)) return true;
  return falseWords.has(word) ? false : undefined;
}

/** What `allowOnly` takes of a request that has nothing to say in its query. */
export const noArguments: ReadonlySet<string> = new Set();

/** The arguments of a request. Each reader throws a fault of status 400, naming the argument, for another type. */
export class Query {
  readonly #given: Readonly<Record<string, string | string[]>>;

  constructor(given: Readonly<Record<string, string | string[]>>) {
    this.#given = given;
  }

  /** Throws Invalid (400) when the query has an argument that the route does not take. */
  allowOnly(names: ReadonlySet<string>): void {
    for (const name in this.#given) if (!names.has(name)) throw new Invalid(`Unexpected argument: ${name}`);
  }

  has(name: string): boolean {
    return this.#given[name] !== undefined;
  }

  /** Throws Invalid (400) for an argument given more than once. */
  text(name: string): string | undefined {
    const value = this.#given[name];
    if (Array.isArray(value)) throw new Invalid(`The query argument ${name} is given more than once.`);
    return value;
  }

  boolean(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = booleanOf(text);
    if (value !== undefined) return value;
    throw new Invalid(`Invalid ${name}: '${text}' is neither true nor false.`);
  }

  uuid(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const uuid = canonicalUuid(text);
    if (uuid === undefined) throw new InvalidUUID({ uuid: text });
    return uuid;
  }

  /** Words separated by commas, given once or more often. */
  list(name: string): string[] | undefined {
    const value = this.#given[name];
    if (value === undefined) return undefined;
    return (Array.isArray(value) ? value : [value])
      .flatMap((text) => text.split(','))
      .map((each) => each.trim());
  }

  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^\s*[+-]?\d+\s*$/.test(text))
      throw new InvalidParameterValue(`Expected an integer for ${name}: ${text}`);
    return Number(text);
  }

  /** `sort_dir`; ascending without it. */
  isDescending(): boolean {
    const direction = this.text('sort_dir') ?? 'asc';
    if (direction === 'asc' || direction === 'desc') return direction === 'desc';
    throw new InvalidParameterValue(`Invalid sort direction: ${direction}. Acceptable are 'asc' and 'desc'.`);
  }

  /** How many entries a page may have: `[api]max_limit` at most, and without an argument. */
  limit(most: number): number {
    const limit = this.integer('limit') ?? most;
    if (limit <= 0) throw new Invalid('Limit must be positive');
    return Math.min(limit, most);
  }
}
