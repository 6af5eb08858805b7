// Arguments by name: what a request that is not a resource says in the members of its body, or in its query.
import { Invalid, MissingParameterValue, UnknownArgument } from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';
import type { Call } from './call.ts';
import { canonicalUuid } from './identity.ts';
import { booleanOf } from './query.ts';

/**
 * The arguments of one request. A member of the body goes before the same one in the query; null is not given.
 * Each reader throws Invalid (400), naming the argument, for a value of another type.
 */
export class Arguments {
  readonly #given: ReadonlyMap<string, unknown>;

  private constructor(given: ReadonlyMap<string, unknown>) {
    this.#given = given;
  }

  /** Throws UnknownArgument (400) for an argument that is none of `names`. A body that is not an object says nothing. */
  static of(call: Call, names: ReadonlySet<string>): Arguments {
    call.query.allowOnly(names);
    const body = call.body();
    const members = isJsonObject(body) ? Object.entries(body) : [];
    const unknown = members.find(([name]) => !names.has(name));
    if (unknown) throw new UnknownArgument(`Unexpected argument: ${unknown[0]}`);
    const given = new Map<string, unknown>();
    for (const name of names) if (call.query.has(name)) given.set(name, call.query.text(name));
    for (const [name, value] of members) given.set(name, value);
    return new Arguments(given);
  }

  /** Throws MissingParameterValue (400) when one of them is absent; null is a value here. */
  require(...names: readonly string[]): this {
    for (const name of names)
      if (!this.#given.has(name)) throw new MissingParameterValue(`Missing mandatory parameter: ${name}`);
    return this;
  }

  text(name: string): string | null {
    const value = this.#given.get(name) ?? null;
    if (value === null || typeof value === 'string') return value;
    throw new Invalid(`Expected a text for ${name}.`);
  }

  boolean(name: string): boolean | null {
    const value = this.#given.get(name) ?? null;
    if (value === null) return null;
    const truth = booleanOf(value);
    if (truth === undefined) throw new Invalid(`Invalid ${name}: it is neither true nor false.`);
    return truth;
  }

  /** A whole number; as in the reference a fraction is cut off, and true counts as one. */
  integer(name: string): number | null {
    const value = this.#given.get(name) ?? null;
    if (value === null) return null;
    if (typeof value === 'boolean') return Number(value);
    const number = typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Math.abs(number) <= Number.MAX_SAFE_INTEGER) return Math.trunc(number);
    throw new Invalid(`Expected an integer for ${name}.`);
  }

  /** In its canonical form. */
  uuid(name: string): string | null {
    const text = this.text(name);
    if (text === null) return null;
    const uuid = canonicalUuid(text);
    if (uuid === undefined) throw new Invalid(`Expected a UUID for ${name}.`);
    return uuid;
  }

  list(name: string): unknown[] | null {
    const value = this.#given.get(name) ?? null;
    if (value === null || Array.isArray(value)) return value;
    throw new Invalid(`Expected a list for ${name}.`);
  }

  textOrObject(name: string): string | Record<string, unknown> | null {
    const value = this.#given.get(name) ?? null;
    if (value === null || typeof value === 'string') return value;
    if (isJsonObject(value)) return value;
    throw new Invalid(`Expected a text or an object for ${name}.`);
  }
}
