// Reads values out of answers of which nothing is certain: each gives undefined for what is absent or of another type.

export type JsonObject = Record<string, unknown>;

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (!isObject(at) || !Object.hasOwn(at, name)) return undefined;
    at = at[name];
  }
  return at;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectAt(value: unknown, ...path: string[]): JsonObject | undefined {
  const found = valueAt(value, path);
  return isObject(found) ? found : undefined;
}

/** Text that is not empty, without spaces around it. */
export function textAt(value: unknown, ...path: string[]): string | undefined {
  const found = valueAt(value, path);
  return typeof found === 'string' && found.trim() !== '' ? found.trim() : undefined;
}

export function numberAt(value: unknown, ...path: string[]): number | undefined {
  const found = valueAt(value, path);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

export function booleanAt(value: unknown, ...path: string[]): boolean | undefined {
  const found = valueAt(value, path);
  return typeof found === 'boolean' ? found : undefined;
}

export function listAt(value: unknown, ...path: string[]): unknown[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found : [];
}

/** The texts of a list; undefined if there is no list, which for allowable values is not the same as an empty one. */
export function textsAt(value: unknown, ...path: string[]): string[] | undefined {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : undefined;
}

/** Where a reference points. */
export function linkAt(value: unknown, ...path: string[]): string | undefined {
  return textAt(value, ...path, '@odata.id');
}
