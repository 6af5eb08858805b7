// What a row of a field table says, for every resource of the API; the tables are node-fields.ts, port-fields.ts.
import { type ProvisionState } from './provision-states.ts';

/** The shape of a field's value on the wire. `links` is a list of `{href, rel}`. */
export type FieldType = 'string' | 'boolean' | 'object' | 'strings' | 'datetime' | 'uuid' | 'mac' | 'links';

/** Where the value comes from: the resource's own row, another resource's row, or worked out for the answer. */
export type FieldOrigin = 'column' | 'relation' | 'computed' | 'links';

/**
 * How an answer hides what is in the field from callers who may not see it: key by key, or the whole value.
 * `instance keys` masks what names an instance's image and data besides.
 */
export type FieldMasking = 'secret keys' | 'driver secret keys' | 'instance secret keys' | 'whole';

export interface FieldRow {
  readonly type: FieldType;
  readonly nullable: boolean;
  /** The first microversion (its minor) that shows and accepts the field. */
  readonly since: number;
  /** Whether POST takes it; absent: it does not. */
  readonly create?: 'optional' | 'required';
  /** Whether PATCH takes it, and in which states of the node outside maintenance; absent: it does not. */
  readonly patch?: 'in any state' | readonly ProvisionState[];
  /** Shown by the plain list; every field is shown by detail and by the single read. */
  readonly inList?: true;
  readonly unique?: true;
  readonly maxLength?: number;
  /** The values it takes besides null, when they are few. */
  readonly values?: readonly string[];
  /** What a new resource has when POST does not say; absent: null, or for the driver interfaces what the driver prefers. */
  readonly default?: boolean | Readonly<Record<string, never>>;
  /** Absent: `column`. */
  readonly origin?: FieldOrigin;
  readonly masking?: FieldMasking;
  /** What else changes it: a route of its own. */
  readonly setBy?: string;
}

/** Whether a list may be sorted by the field: a column of the resource's own with one plain value. */
export function isSortable(field: FieldRow): boolean {
  return (field.origin ?? 'column') === 'column' && field.type !== 'object' && field.type !== 'strings';
}

/** Whether PATCH of the field is accepted while the node is in a state and not in maintenance. */
export function isPatchable(field: FieldRow, state: ProvisionState): boolean {
  if (field.patch === undefined) return false;
  return field.patch === 'in any state' || field.patch.includes(state);
}
