/** What a column or a body of JSON holds: keys are somebody else's, so each is checked where it is read. */
export type JsonObject = Record<string, unknown>;

/** Of JSON's values: neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
