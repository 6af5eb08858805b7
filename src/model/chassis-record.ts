// A chassis: what nodes stand in. It only groups them.
import type { JsonObject } from './json-object.ts';
import type { WireTime } from './node-record.ts';

export interface ChassisRecord {
  /** The store's own number; the order of a list without `sort_key`. */
  readonly id: number;
  readonly uuid: string;
  readonly created_at: WireTime;
  readonly updated_at: WireTime | null;
  readonly description: string | null;
  readonly extra: JsonObject;
}

/** A change to a chassis: columns absent from it stay. */
export type ChassisPatch = Partial<Pick<ChassisRecord, 'description' | 'extra'>>;
