// The port as the code holds it: a row of the store, its columns under their published names.
import type { JsonObject } from './json-object.ts';
import { type WireTime } from './node-record.ts';

export interface PortRecord {
  /** The store's own number; the order of a list without `sort_key`. Not on the wire. */
  readonly id: number;
  readonly uuid: string;
  readonly created_at: WireTime;
  readonly updated_at: WireTime | null;
  /** The MAC address, in lower case. */
  readonly address: string;
  readonly node_uuid: string;
  readonly portgroup_uuid: string | null;
  readonly name: string | null;
  readonly description: string | null;
  readonly vendor: string | null;
  readonly category: string | null;
  readonly extra: JsonObject;
  readonly internal_info: JsonObject;
  readonly local_link_connection: JsonObject;
  readonly physical_network: string | null;
  readonly pxe_enabled: boolean;
  readonly is_smartnic: boolean | null;
  readonly available_for_dynamic_portgroup: boolean;
}

type KeptByStore = 'id' | 'created_at' | 'updated_at';

/** A port to be created. What is absent has its table's default. */
export type NewPort = Pick<PortRecord, 'uuid' | 'address' | 'node_uuid'> &
  Partial<Omit<PortRecord, KeptByStore | 'uuid' | 'address' | 'node_uuid'>>;

/** A change to a port: columns absent from it stay. JSON columns are replaced whole. */
export type PortPatch = Partial<Omit<PortRecord, KeptByStore | 'uuid'>>;
