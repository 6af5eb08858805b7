import { isJsonObject } from '#model/json-object.ts';
// One setting: what kind of value it takes, what it is when nobody says, and how its text is read.

/** What a kind of option is called where an operator reads about it. */
export type OptionKind =
  | 'boolean'
  | 'integer'
  | 'seconds'
  | 'string'
  | 'choice'
  | 'list'
  | 'numbers'
  | 'dict'
  | 'priorities';

/** A row of the table of settings. `V` is the type of the value the program sees. */
export interface Option<V> extends OptionDetails<V> {
  readonly kind: OptionKind;
  readonly default: V;
  /** What it does, in one sentence. */
  readonly meaning: string;
}

export interface OptionDetails<V> {
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Never shown: not in a message, not in a log. */
  readonly secret?: true;
  /** What fills the value when it is empty: known only when the program runs. */
  readonly whenEmpty?: 'hostname' | 'primary address';
  /** Earlier names, `name` or `group.name`, still read. */
  readonly oldNames?: readonly string[];
  /** Where our default differs from Ironic's: theirs, and why ours is another. */
  readonly ironic?: {
    readonly default: V | string | number | readonly string[] | null;
    readonly why: string;
  };
}

type Null<D> = D extends null ? null : never;

/** Makes rows of one kind. A row whose default is null takes no value too; the others always have one. */
function rows<Base>(kind: OptionKind, always: OptionDetails<never> = {}) {
  return <const D extends Base | null>(
    value: D,
    meaning: string,
    details: OptionDetails<Base | Null<D>> = {},
  ): Option<Base | Null<D>> => ({
    kind,
    // D is a Base or null; that Null<D> is null exactly when D is, the compiler does not work out.
    default: value as Base | Null<D>,
    meaning,
    ...always,
    ...details,
  });
}

export const boolean = rows<boolean>('boolean');

/** A whole number. */
export const integer = rows<number>('integer');

/** A duration in seconds; fractions are taken, so that a test need not wait for whole seconds. */
export const seconds = rows<number>('seconds', { min: 0 });

export const string = rows<string>('string');

/** Words separated by commas. */
export const list = rows<readonly string[]>('list');

/** Numbers separated by commas. */
export const numbers = rows<readonly number[]>('numbers', { min: 0 });

/** `key:value` pairs separated by commas; the option may be given more than once, the pairs add up. */
export const dict = rows<Readonly<Record<string, string>>>('dict');

/** As `dict`, of steps and whole numbers: `interface.step:priority`. */
export const priorities = rows<Readonly<Record<string, number>>>('priorities');

/** One of a few words. */
export const choice = <const C extends string, const D extends NoInfer<C> | null>(
  choices: readonly C[],
  value: D,
  meaning: string,
  details: OptionDetails<C | Null<D>> = {},
): Option<C | Null<D>> => ({ ...rows<C>('choice')(value, meaning, details), choices });

/** A text that is no value of its option. The message starts with "is" and says what would be one. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

/** The value that the texts given for an option mean, in order of appearance. Throws BadValue. */
export function parseValue(row: Option<unknown>, texts: readonly string[]): unknown {
  const text = texts.at(-1) ?? '';
  // An empty text is the absence of a value, where absence is a value.
  if (text === '' && row.default === null) return null;
  const value = parseKind(row, text, texts);
  checkValue(row, value);
  return value;
}

/** Checks a value against its option's kind and bounds. Throws BadValue. */
export function checkValue(row: Option<unknown>, value: unknown): void {
  if (value === null && row.default === null) return;
  const shown = row.secret ? 'a value that' : `'${textOf(value)}', which`;
  if (!isOfKind(row, value)) throw new BadValue(`is ${shown} is not ${expectation(row)}`);
  const tooFar = (n: number) =>
    (row.min !== undefined && n < row.min) || (row.max !== undefined && n > row.max);
  const all: unknown[] = Array.isArray(value) ? value : [value];
  if (all.some((each) => typeof each === 'number' && tooFar(each)))
    throw new BadValue(`is ${shown} is not ${expectation(row)}`);
}

function textOf(value: unknown): string {
  if (!isJsonObject(value)) return String(value);
  return Object.entries(value)
    .map(([key, each]) => `${key}:${String(each)}`)
    .join(', ');
}

const trueWords: readonly string[] = ['true', '1', 'on', 'yes'];
const falseWords: readonly string[] = ['false', '0', 'off', 'no'];

function parseKind(row: Option<unknown>, text: string, texts: readonly string[]): unknown {
  switch (row.kind) {
    case 'boolean': {
      const word = text.toLowerCase();
      if (trueWords.includes(word)) return true;
      return falseWords.includes(word) ? false : text;
    }
    case 'integer':
    case 'seconds':
      return asNumber(text);
    case 'string':
    case 'choice':
      return text;
    case 'list':
      return items(text);
    case 'numbers':
      return items(text).map(asNumber);
    case 'dict':
      return Object.fromEntries(texts.flatMap(items).map((pair) => asPair(row, pair)));
    case 'priorities': {
      const pairs = texts.flatMap(items).map((pair) => asPair(row, pair));
      return Object.fromEntries(pairs.map(([step, priority]) => [step, asNumber(priority)]));
    }
  }
}

function items(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** The number, or the text itself when it is none, for the check of the kind to refuse with the text in hand. */
function asNumber(text: string): number | string {
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : text;
}

function asPair(row: Option<unknown>, pair: string): [string, string] {
  const colon = pair.indexOf(':');
  if (colon > 0) return [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()];
  const shown = row.secret ? 'a pair without a colon' : `'${pair}' without a colon`;
  throw new BadValue(`has ${shown}, where ${expectation(row)} is expected`);
}

function isOfKind(row: Option<unknown>, value: unknown): boolean {
  switch (row.kind) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'seconds':
      return Number.isFinite(value);
    case 'string':
      return typeof value === 'string';
    case 'choice':
      return typeof value === 'string' && (row.choices?.includes(value) ?? true);
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'numbers':
      return Array.isArray(value) && value.length > 0 && value.every((item) => Number.isFinite(item));
    case 'dict':
      return isJsonObject(value);
    case 'priorities':
      return isJsonObject(value) && Object.entries(value).every(isPriority);
  }
}

function isPriority([step, priority]: [string, unknown]): boolean {
  return /^\w+\.\w+$/.test(step) && Number.isSafeInteger(priority) && Number(priority) >= 0;
}

const kindNames: Record<OptionKind, string> = {
  boolean: 'true or false',
  integer: 'a whole number',
  seconds: 'a number of seconds',
  string: 'a text',
  choice: 'one of',
  list: 'a list of words separated by commas',
  numbers: 'a list of numbers separated by commas',
  dict: 'a list of key:value pairs separated by commas',
  priorities: 'a list of interface.step:priority pairs separated by commas',
};

/** What an option takes, in words: `a whole number from 1 to 50`. */
export function expectation(row: Option<unknown>): string {
  const { kind, min, max, choices } = row;
  const name = kindNames[kind];
  if (kind === 'choice') return `${name} ${choices?.join(', ')}`;
  if (min !== undefined && max !== undefined) return `${name} from ${min} to ${max}`;
  if (min !== undefined) return `${name} of at least ${min}`;
  return max === undefined ? name : `${name} of at most ${max}`;
}
