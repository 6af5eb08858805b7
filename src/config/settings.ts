// The settings the program runs by: the table's defaults, over them the file, over it what the command line said.
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { ConfigError } from './config-error.ts';
import { type IniEntry, parseIni } from './ini-file.ts';
import { BadValue, checkValue, type Option, parseValue } from './option.ts';
import { options } from './options.ts';

type Options = typeof options;
type Value<O> = O extends Option<infer V> ? V : never;

/** Every setting, by group and published name: `settings.conductor.heartbeat_interval`. */
export type Settings = {
  readonly [Group in keyof Options]: { readonly [Name in keyof Options[Group]]: Value<Options[Group][Name]> };
};

/** Some of the settings, already of their types. */
export type SettingsOverrides = {
  readonly [Group in keyof Settings]?: { readonly [Name in keyof Settings[Group]]?: Settings[Group][Name] };
};

export interface LoadedSettings {
  readonly settings: Settings;
  /** What the file says that is not used, or is called otherwise today; a sentence each, to be told once. */
  readonly warnings: readonly string[];
}

type Table = Readonly<Record<string, Readonly<Record<string, Option<unknown>>>>>;
// The same table with the values' types forgotten, to be walked by names.
const table: Table = options;

/**
 * Reads the settings from a file in Ironic's form, when there is one, and the overrides over it.
 * Throws ConfigError when the file cannot be read or a value is none of its option's; may be repeated.
 */
export function loadSettings(file?: string, overrides: SettingsOverrides = {}): LoadedSettings {
  const { given, warnings } = sortEntries(file === undefined ? [] : parseIni(read(file), file), file);
  const source = new Source(given, overrides, file);
  const settings = mapTable((group, name) => source.value(group, name));
  // Every value came through its option's own parser or check, so it has its type.
  return { settings: settings as Settings, warnings };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const problem = `The configuration file ${file} cannot be read: ${whyUnreadable(cause)}.`;
    throw new ConfigError({ problem }, { cause });
  }
}

function whyUnreadable(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission is denied';
  if (code === 'EISDIR') return 'it is a folder';
  return String(code ?? cause);
}

/** The texts given for each option, by `group.name`, and the last line that gave one. */
type Given = ReadonlyMap<string, { readonly texts: string[]; line: number }>;

/** Puts every entry under the option it means today; what means none becomes a warning. */
function sortEntries(entries: readonly IniEntry[], file = ''): { given: Given; warnings: string[] } {
  const renamed = currentNames();
  const given = new Map<string, { texts: string[]; line: number }>();
  const warnings = new Set<string>();
  for (const { group, name, value, line } of entries) {
    const key = renamed.get(`${group}.${name}`) ?? `${group}.${name}`;
    if (key !== `${group}.${name}`)
      warnings.add(`${file}:${line}: [${group}] ${name} is an old name of ${shown(key)}.`);
    else if (!Object.hasOwn(table, group)) warnings.add(`${file}: the group [${group}] is not used.`);
    else if (!Object.hasOwn(table[group] ?? {}, name))
      warnings.add(`${file}:${line}: [${group}] ${name} is not used.`);

    // Unused options are kept too: another one may refer to them by $name.
    const entry = given.get(key);
    if (entry) {
      entry.texts.push(value);
      entry.line = line;
    } else given.set(key, { texts: [value], line });
  }
  return { given, warnings: [...warnings] };
}

function shown(key: string): string {
  const dot = key.indexOf('.');
  return `[${key.slice(0, dot)}] ${key.slice(dot + 1)}`;
}

/** Old `group.name` → today's. */
function currentNames(): Map<string, string> {
  const names = new Map<string, string>();
  for (const [group, rows] of Object.entries(table))
    for (const [name, row] of Object.entries(rows))
      for (const old of row.oldNames ?? [])
        names.set(old.includes('.') ? old : `${group}.${old}`, `${group}.${name}`);
  return names;
}

function mapTable(value: (group: string, name: string) => unknown): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(table).map(([group, rows]) => [
      group,
      Object.fromEntries(Object.keys(rows).map((name) => [name, value(group, name)])),
    ]),
  );
}

/** Finds the value of one option at a time. */
class Source {
  readonly #given: Given;
  readonly #overrides: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  readonly #file: string | undefined;

  constructor(given: Given, overrides: SettingsOverrides, file: string | undefined) {
    this.#given = given;
    this.#overrides = overrides;
    this.#file = file;
  }

  value(group: string, name: string): unknown {
    // Callers walk the table, so the row is there.
    const row = table[group]![name]!;
    const override = this.#overrides[group]?.[name];
    const given = this.#given.get(`${group}.${name}`);
    try {
      if (override !== undefined) {
        checkValue(row, override);
        return override;
      }
      const value = given
        ? parseValue(
            row,
            given.texts.map((text) => this.#filled(text, group, row)),
          )
        : this.#filledDefault(row, group);
      return value === '' && row.whenEmpty ? found(row.whenEmpty) : value;
    } catch (cause) {
      if (!(cause instanceof BadValue)) throw cause;
      const place = given && override === undefined ? { file: this.#file ?? '', line: given.line } : {};
      throw new ConfigError({ ...place, group, option: name, problem: `${cause.message}.` }, { cause });
    }
  }

  #filledDefault(row: Option<unknown>, group: string): unknown {
    return typeof row.default === 'string' ? this.#filled(row.default, group, row) : row.default;
  }

  /** The text with `$name`, `${name}` and `${group.name}` replaced, and `$$` for a dollar (oslo.config cfg.py). */
  #filled(text: string, group: string, row: Option<unknown>, depth = 0): string {
    // Deep enough for any sensible file, and an end for two options that name each other.
    if (depth > 8) throw new BadValue('refers to itself through other options, where a value is expected');
    return text.replaceAll(/[\\$]\$|\$\{([\w.]+)\}|\$([a-z_]\w*(?:\.\w+)?)/gi, (all, braced, bare) => {
      const reference: unknown = braced ?? bare;
      if (typeof reference !== 'string') return '$';
      return this.#filled(
        this.#text(reference, group, row.secret ? 'something' : all),
        group,
        row,
        depth + 1,
      );
    });
  }

  #text(reference: string, group: string, asWritten: string): string {
    const keys = reference.includes('.') ? [reference] : [`${group}.${reference}`, `DEFAULT.${reference}`];
    for (const key of keys) {
      const [inGroup = '', name = ''] = key.split('.');
      const override = this.#overrides[inGroup]?.[name];
      const text = override ?? this.#given.get(key)?.texts.at(-1) ?? table[inGroup]?.[name]?.default;
      if (text === '' && table[inGroup]?.[name]?.whenEmpty) return String(this.value(inGroup, name));
      if (typeof text === 'string' || typeof text === 'number') return String(text);
    }
    throw new BadValue(`refers to ${asWritten}, which no option gives; a dollar sign itself is written $$`);
  }
}

function found(what: 'hostname' | 'primary address'): string {
  return what === 'hostname' ? hostname() : primaryAddress();
}

/** The first address that others can reach; on a machine without a network, the loopback. */
function primaryAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find((each) => !each.internal && each.family === 'IPv4')?.address ?? '127.0.0.1';
}
